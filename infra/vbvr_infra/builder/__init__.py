"""Builds the image in the account that it is for."""
