"""A file per noun: each command parses, calls one operation and renders its result."""
