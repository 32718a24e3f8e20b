"""What a sample's video is like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av

from vbvr_cli.worker.validation import VIDEO_SUFFIXES


@dataclass(frozen=True, slots=True)
class Video:
    """A solution video. `width` and `height` in pixels."""

    codec: str
    width: int
    height: int
    fps: float
    frames: int

    def __str__(self) -> str:
        return f"{self.codec} {self.width}x{self.height}, {self.fps:g} fps, {self.frames} frames"


def look_at_video(sample: Path) -> Video | None:
    """The solution video of a sample; None where it has none that decodes."""
    files = [file for file in sample.glob("ground_truth.*") if file.suffix.lower() in VIDEO_SUFFIXES]
    for file in sorted(files):
        try:
            with av.open(str(file)) as container:
                stream = container.streams.video[0]
                frames = stream.frames or sum(1 for _ in container.decode(stream))
                codec = stream.codec_context
                return Video(codec.name, codec.width, codec.height, float(stream.average_rate or 0), frames)
        except (av.FFmpegError, IndexError, OSError, ValueError):
            continue
    return None
