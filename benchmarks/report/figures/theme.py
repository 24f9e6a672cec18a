"""Light and dark: the colours of paper, text and lines, and of the series on either.

Colours of series: Okabe and Ito, "Color Universal Design" (2008), without the yellow, which is 1.3 to 1 on white. On
the dark paper blue is lighter, since the original is 2.6 to 1 there, and nearer to violet, since it would else be the
sky blue; black is white.
"""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl

OKABE_ITO = {
    **{"black": "#000000", "orange": "#E69F00", "sky": "#56B4E9", "green": "#009E73"},
    **{"blue": "#0072B2", "vermillion": "#D55E00", "purple": "#CC79A7"},
}


@dataclass(frozen=True)
class Theme:
    """The colours of a figure.

    paper, text: of the background and of what is written on it.
    muted: captions, axes of reference.
    faint: links and outlines that stay in the background.
    grid, floor: grid lines, and an area of noise.
    series: colour of a look -> colour on this paper.
    darken: factor on a series' colour where it is text; above 1 it is mixed with white instead.
    """

    paper: str
    text: str
    muted: str
    faint: str
    grid: str
    floor: str
    series: dict[str, str]
    darken: float

    def ink(self, color: str) -> tuple[float, ...]:
        """A colour of a series as text: the light ones are 2.3 to 1 on white, the dark ones 3 to 1 on dark."""
        channels = mpl.colors.to_rgb(color)
        if self.darken <= 1:
            return tuple(self.darken * channel for channel in channels)
        return tuple(1 - (1 - channel) / self.darken for channel in channels)


LIGHT = Theme("#ffffff", "#000000", "#767676", "#bdbdbd", "#e4e4e4", "#ececec", OKABE_ITO, 0.72)
DARK = Theme(
    *("#14181f", "#f2f2f2", "#a9b0bb", "#5b6470", "#313843", "#262c36"),
    series=OKABE_ITO | {"black": "#f2f2f2", "blue": "#5C7CFA"},
    darken=1.25,
)
THEMES = {"light": LIGHT, "dark": DARK}
