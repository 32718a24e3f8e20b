"""Pictures as a video stores them: brightness in full, colour at half the resolution."""

from av.video.frame import VideoFrame
from PIL import Image, ImageChops

# ITU-R BT.709: what red, green and blue give to luma, and the reach of luma and chroma in limited range.
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_LUMA, _CHROMA = 219 / 255, 224 / 255

# For each of Y, Cb and Cr: the weights of full-range red, green and blue, and the offset.
_TO_Y = (_RED * _LUMA, _GREEN * _LUMA, _BLUE * _LUMA, 16.0)
_TO_CB = (-_RED / (1 - _BLUE) / 2 * _CHROMA, -_GREEN / (1 - _BLUE) / 2 * _CHROMA, _CHROMA / 2, 128.0)
_TO_CR = (_CHROMA / 2, -_GREEN / (1 - _RED) / 2 * _CHROMA, -_BLUE / (1 - _RED) / 2 * _CHROMA, 128.0)


class Yuv420:
    """An RGB image with even sides and its planes in yuv420p, BT.709, limited range.

    Only what changes is converted again, little in an animation, and by Pillow's plain arithmetic: swscale
    rounds differently from one CPU to the next.
    """

    def __init__(self, image: Image.Image) -> None:
        self._image = image.copy()
        self._planes = _convert(image)

    def become(self, image: Image.Image) -> None:
        """Turn into `image`, which is as large as the one before."""
        changed = ImageChops.difference(self._image, image).getbbox()
        if changed is None:
            return
        left, top = (edge // 2 for edge in changed[:2])
        right, bottom = (-(-edge // 2) for edge in changed[2:])
        part = image.crop((2 * left, 2 * top, 2 * right, 2 * bottom))
        self._image.paste(part, (2 * left, 2 * top))
        for plane, piece, scale in zip(self._planes, _convert(part), (2, 1, 1), strict=True):
            plane.paste(piece, (scale * left, scale * top))

    def frame(self) -> VideoFrame:
        """A new frame for the encoder."""
        frame = VideoFrame(*self._image.size, "yuv420p")
        for target, plane in zip(frame.planes, self._planes, strict=True):
            target.update(plane.tobytes("raw", "L", target.line_size))
        return frame


def _convert(image: Image.Image) -> tuple[Image.Image, Image.Image, Image.Image]:
    """The Y plane of `image`, and its Cb and Cr planes, half as wide and half as high."""
    halved = image.reduce(2)
    return image.convert("L", _TO_Y), halved.convert("L", _TO_CB), halved.convert("L", _TO_CR)
