"""Gradient reach and mismatch as records hold them, nested, for the figures that draw the chain itself."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.report.frames.frames import Frames


class Chain(NamedTuple):
    """One finished quality cell: its variant, the series it belongs to, its repetition and its `quality`."""

    variant: str
    series: str | None
    repetition: int
    quality: dict


def chains(frames: Frames, part: str) -> list[Chain]:
    """The cells of the frames whose quality has `part`, such as "reach", in the order of the tables."""
    cells = frames.chains[["variant", "series", "repetition", "quality"]]
    found = [Chain(*row) for row in cells.itertuples(index=False) if row.quality.get(part)]
    order = frames.ordered({chain.variant for chain in found})
    return sorted(found, key=lambda chain: (order.index(chain.variant), chain.repetition))
