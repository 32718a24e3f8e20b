"""A solution video: images go in one at a time, an H.264 file comes out."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.video.stream import VideoStream
from PIL import Image

from vbvr_cli.starter.kit.puzzle import FPS
from vbvr_cli.starter.kit.yuv import Yuv420

BT709 = 1
"""The number of ITU-T H.273 for the primaries, the transfer and the matrix of BT.709 alike."""

LIMITED_RANGE = 1
"""FFmpeg's number for "tv" range: 16 to 235 for luma, 16 to 240 for chroma."""

# A constant quantiser and no look-ahead: so x264 decides by integers alone, where no CPU's idea of a
# logarithm can change a byte, and holds three frames instead of forty. A key frame every two seconds
# keeps seeking cheap.
X264 = {
    "preset": "veryfast",
    "qp": "16",
    "g": str(2 * FPS),
    "bf": "0",
    "rc-lookahead": "0",
    "sc_threshold": "0",
    "weightp": "none",
}


class VideoWriter:
    """A video on its way to a file: H.264, yuv420p, BT.709, 16 frames a second, one thread, no dates.

    A context manager: the file is complete once it has been left without an exception.
    """

    def __init__(self, path: Path) -> None:
        self.frames = 0
        """How many there are so far."""

        self._picture: Yuv420 | None = None
        self._container = av.open(
            path, "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
        )
        self._stream: VideoStream = self._container.add_stream("libx264", rate=FPS, options=X264)
        codec = self._stream.codec_context
        codec.pix_fmt = "yuv420p"
        codec.thread_count = 1
        codec.colorspace = codec.color_primaries = codec.color_trc = BT709
        codec.color_range = LIMITED_RANGE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def show(self, image: Image.Image, frames: int = 1) -> None:
        """Append `image`, RGB with even sides and as large as those before it, for that many frames."""
        if self._picture is None:
            self._picture = Yuv420(image)
            self._stream.width, self._stream.height = image.size
        else:
            self._picture.become(image)
        frame = self._picture.frame()
        for _ in range(frames):
            frame.pts, frame.time_base = self.frames, Fraction(1, FPS)
            self._container.mux(self._stream.encode(frame))
            self.frames += 1
