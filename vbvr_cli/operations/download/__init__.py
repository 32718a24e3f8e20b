"""Brings a dataset from its store into a folder, checked against its manifests."""
