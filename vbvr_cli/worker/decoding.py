"""Decodes images and videos, to see that they can be."""

from __future__ import annotations

import warnings
from pathlib import Path

import av
from PIL import Image

from vbvr_cli.worker.validation import BrokenSampleError, without_path

av.logging.set_level(None)


def check_image(file: Path, *, required: bool) -> None:
    """Raise BrokenSampleError unless the file is a PNG that decodes, or is absent and not required."""
    if not file.exists():
        if required:
            raise BrokenSampleError(f"{file.name} is missing")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=("PNG",)) as image:
                image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BrokenSampleError(f"{file.name} does not decode as a PNG: {without_path(error)}") from error


def check_video(file: Path) -> None:
    """Raise BrokenSampleError unless the first frame of a video decodes."""
    try:
        with av.open(str(file)) as container:
            if not container.streams.video or next(container.decode(video=0), None) is None:
                raise BrokenSampleError(f"{file.name} has no frames")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BrokenSampleError(f"{file.name} does not decode as a video: {without_path(error)}") from error
