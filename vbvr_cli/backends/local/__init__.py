"""The back end that runs on this machine: SQLite for what happens, folders for what comes out."""

from vbvr_cli.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
