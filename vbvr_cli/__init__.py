"""vbvr makes video-reasoning training data at any scale."""

__version__ = "0.1.0"
RELEASED = "2026-11-22T00:00:00+00:00"
"""When this version was released: the timestamp of what its starter generators make."""
