"""Lays out the tree of the image: the functions, the generators, their environments, fonts and the roster."""
