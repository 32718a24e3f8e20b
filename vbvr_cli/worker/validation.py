"""What makes a sample fit to train on; what does not is made anew."""

from __future__ import annotations

import stat
from pathlib import Path

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".gif")
VIDEO_NAMES = ("ground_truth", "first_video", "last_video")


class BrokenSampleError(Exception):
    """A sample cannot be used; the message says what is wrong with it."""


def check_sample(folder: Path) -> None:
    """Raise BrokenSampleError unless images decode, the prompt has words and videos have frames."""
    from vbvr_cli.worker.decoding import check_image, check_video  # noqa: PLC0415 - slow, and a generator runs now

    _check_entries(folder)
    check_image(folder / "first_frame.png", required=True)
    check_image(folder / "final_frame.png", required=False)
    _check_prompt(folder / "prompt.txt")
    for file in folder.iterdir():
        if file.stem in VIDEO_NAMES and file.suffix.lower() in VIDEO_SUFFIXES:
            check_video(file)


def _check_entries(folder: Path) -> None:
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise BrokenSampleError(f"{path.relative_to(folder)} is a link or a device, not a file")
        if not path.name.isprintable() or "\\" in path.name:
            raise BrokenSampleError(f"the file name {path.name!a} cannot be part of a key")


def _check_prompt(file: Path) -> None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BrokenSampleError(f"{file.name} is missing") from None
    except UnicodeDecodeError as error:
        raise BrokenSampleError(f"{file.name} is not UTF-8: {error.reason}") from error
    except OSError as error:
        raise BrokenSampleError(f"{file.name} cannot be read: {without_path(error)}") from error
    if not text.strip():
        raise BrokenSampleError(f"{file.name} is empty")


def without_path(error: Exception) -> str:
    """What went wrong with a file, without saying which."""
    # A temporary path in a reason would make two equal failures look different.
    return getattr(error, "strerror", None) or type(error).__name__
