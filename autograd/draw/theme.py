"""The colours of pictures: fills for gradients, text and lines."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

MARK = "#8e44ad"  # highlighted edges


@dataclass(frozen=True)
class Theme:
    """Fills for gradients from negative (orange) through 0 to positive (blue), after ColorBrewer, and the other colours of a picture.

    The fills are apart for every kind of colour vision, and light enough for dark text on any background.
    """

    paper: str = ""  # the background; "" is transparent
    ink: str = "#1b1b1b"  # text on a fill
    line: str = "#7d7d7d"  # lines, and text on a light or dark background
    operation: str = "#dcdcdc"
    negative: tuple[str, ...] = ("#fef1e2", "#fee0b6", "#fdc57f", "#f7a24a")
    zero: str = "#f6f6f6"
    positive: tuple[str, ...] = ("#e6f1fa", "#c6dff2", "#98c5e8", "#62a5da")
    not_finite: str = "#f4d03f"
    words: tuple[str, str] = ("orange", "blue")  # the names of the colours, for the caption
    has_dashes: bool = False  # whether boxes with negative gradients have a dashed line

    @property
    def shades(self) -> tuple[str, ...]:
        return (*reversed(self.negative), self.zero, *self.positive, self.not_finite)

    def color(self, gradient: float, steepest: float) -> str:
        """The fill for a gradient. It depends on the square root of gradient / steepest, so that small gradients are visible."""
        if not math.isfinite(gradient):
            return self.not_finite
        if gradient == 0 or steepest == 0:
            return self.zero
        shades = self.positive if gradient > 0 else self.negative
        return shades[min(len(shades) - 1, int(math.sqrt(abs(gradient) / steepest) * len(shades)))]


GREYS = ("#eeeeee", "#dddddd", "#c8c8c8", "#b0b0b0")
THEMES = {
    "light": Theme(),
    "dark": Theme(paper="#14161a", line="#a3a9b3", operation="#c3c8cf"),
    "print": Theme(
        "#ffffff", "#000000", "#444444", "#ffffff", GREYS, "#ffffff", GREYS, "#ffffff", ("dashed line", "solid line"), has_dashes=True
    ),
}


def chosen_theme(name: str, colors: Sequence[str] | None) -> Theme:
    """The theme of this name, with other colours for the largest negative and positive gradient if they are given.

    Raises ValueError for an unknown theme, or for colours that are not of the form #rrggbb or too dark for text.
    """
    if name not in THEMES:
        raise ValueError(f"theme={name!r} must be one of {', '.join(map(repr, THEMES))}")
    theme = THEMES[name]
    if colors is None:
        return theme
    if (
        isinstance(colors, str)
        or len(colors) != 2
        or not all(isinstance(each, str) and re.fullmatch("#[0-9a-fA-F]{6}", each) for each in colors)
    ):
        raise ValueError(
            f'colors={colors!r:.60} must be a pair of colours for negative and positive gradients, such as ("#f7a24a", "#62a5da")'
        )
    for each in colors:
        if contrast(each, theme.ink) < 4.5:
            raise ValueError(f"the colour {each} is too dark for the dark text on it: choose a lighter one")
    negative, positive = (tuple(_mixed(theme.zero, each, share) for share in (0.2, 0.45, 0.7, 1.0)) for each in colors)
    return replace(theme, negative=negative, positive=positive, words=(colors[0], colors[1]), has_dashes=False)


def _channels(color: str) -> list[int]:
    return [int(color[index : index + 2], 16) for index in (1, 3, 5)]


def _mixed(a: str, b: str, share: float) -> str:
    return "#" + "".join(f"{round(low + share * (high - low)):02x}" for low, high in zip(_channels(a), _channels(b)))


def contrast(a: str, b: str) -> float:
    """The contrast of two colours, from 1 to 21 (Web Content Accessibility Guidelines)."""
    low, high = sorted(map(_luminance, (a, b)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    shares = [each / 255 for each in _channels(color)]
    red, green, blue = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
