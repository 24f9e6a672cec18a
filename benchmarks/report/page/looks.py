"""The looks of series as Vega draws them: the same colours, markers and dashes as in the figures."""

from __future__ import annotations

import math
from typing import NamedTuple

from benchmarks.report.figures.theme import OKABE_ITO
from benchmarks.report.frames.frames import Frames

DASHES = {"solid": [1, 0], "dashed": [8, 3], "dotted": [2, 2.5], "dashdot": [10, 3, 2, 3]}
NAMED = {"o": "circle", "s": "square", "^": "triangle-up", "v": "triangle-down", "<": "triangle-left"}
NAMED |= {">": "triangle-right", "D": "diamond", "P": "cross"}
# Markers that Vega lacks: (corners, angle of the first in turns, inner radius of a star or None, width).
DRAWN = {"p": (5, 0, None, 1), "h": (6, 0, None, 1), "H": (6, 1 / 12, None, 1), "8": (8, 1 / 16, None, 1)}
DRAWN |= {"*": (5, 0, 0.4, 1), "X": (4, 1 / 8, 0.3, 1), "d": (4, 0, None, 0.6)}


class SeriesLook(NamedTuple):
    """color: as hexadecimal number. shape: a shape of Vega, or an SVG path. dash: lengths of strokes and gaps."""

    color: str
    shape: str
    dash: list[float]


def drawn(frames: Frames, name: str) -> SeriesLook:
    """The look of a variant or series."""
    look = frames.looks[name]
    return SeriesLook(OKABE_ITO[look.color], NAMED.get(look.marker) or _path(look.marker), DASHES[look.dash])


def swatch(look: SeriesLook) -> str:
    """The marker as an SVG path in a square from -1 to 1, for the legend."""
    names = {name: marker for marker, name in NAMED.items()}
    return _path(names.get(look.shape, "")) if look.shape in names else look.shape


def _path(marker: str) -> str:
    if marker == "o":
        return "M0.8,0A0.8,0.8,0,1,1,-0.8,0A0.8,0.8,0,1,1,0.8,0Z"
    known = {"s": (4, 1 / 8, None, 1), "^": (3, 0, None, 1), "v": (3, 1 / 2, None, 1), "<": (3, 3 / 4, None, 1)}
    known |= {">": (3, 1 / 4, None, 1), "D": (4, 0, None, 1), "P": (4, 0, 0.45, 1)}
    corners, first, inner, width = (DRAWN | known).get(marker, (12, 0, 0.6, 1))
    radii = [1.0] if inner is None else [1.0, inner]
    count = corners * len(radii)
    points = []
    for index in range(count):
        angle = 2 * math.pi * (first + index / count)
        radius = radii[index % len(radii)]
        points.append(f"{radius * width * math.sin(angle):.3g},{-radius * math.cos(angle):.3g}")
    return f"M{'L'.join(points)}Z"
