"""Colours, and themes of colours that go together."""

from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Red, green and blue, sRGB, 0 to 255 each."""


def rgb(text: str) -> Colour:
    """The colour that `text`, six hexadecimal digits, stands for."""
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


def mix(below: Colour, above: Colour, opacity: float) -> Colour:
    """What `above` looks like over `below` when it covers it with an opacity of 0 to 1."""
    red, green, blue = (round(b + (a - b) * opacity) for b, a in zip(below, above, strict=True))
    return red, green, blue


@dataclass(frozen=True)
class Theme:
    """Colours: `paper` behind everything, `panel` where the puzzle happens, `ink` for what is read."""

    name: str
    paper: Colour
    panel: Colour
    line: Colour
    muted: Colour
    ink: Colour
    accent: Colour
    tint: Colour
    """Behind what is being worked on: `ink` and `accent` both stand out from it."""


def _theme(name: str, colours: str) -> Theme:
    return Theme(name, *(rgb(colour) for colour in colours.split()))


# The columns are: paper, panel, line, muted, ink, accent, tint.
LIGHT_THEMES = (
    _theme("harbour", "eaf0f6 ffffff c3cfdc 9fb0c2 1d3047 2467b3 ffe7a8"),
    _theme("meadow", "edf3ea ffffff c5d3c2 a3b59f 1f3a2a 2b8a57 ffe9a6"),
    _theme("brick", "f7efe9 ffffff dccabf bba798 43261c c4512f fde8ad"),
    _theme("plum", "f3edf6 ffffff d3c6db b3a2be 35204a 7b3fa6 ffe8ad"),
    _theme("sand", "f6f1e3 fffdf6 dbcfae b7a77f 3d3420 b0801f cfe6ef"),
    _theme("rose", "f8edf0 ffffff dfc8cf c0a3ad 461f2e c2386b fdeab0"),
)
DARK_THEMES = (
    _theme("midnight", "141b29 1f2a3d 3c4c66 637590 e9eff8 5fb0ff 3d4f78"),
    _theme("forest", "12201c 1c302a 38544a 618276 e6f3ee 4fd19b 2f5a52"),
    _theme("ember", "211817 322422 58423d 8a7068 f8ece6 ff9466 5f4436"),
    _theme("violet", "1b1728 29233b 4a4163 78709a eeeaf8 b493ff 4b4180"),
)
THEMES = LIGHT_THEMES + DARK_THEMES
