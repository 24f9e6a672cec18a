"""Reach and mismatch as records hold them, nested, for the figures that draw the chain itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.report.frames import Frames
from benchmarks.report.trials import chosen
from benchmarks.store import records


class Chain(NamedTuple):
    """One finished quality cell: its variant, the series it belongs to, its seed's number and its `quality`."""

    variant: str
    series: str | None
    repetition: int
    quality: dict


def chains(frames: Frames, part: str) -> list[Chain]:
    """The cells of the frames whose quality has `part`, such as "reach", in the order of the tables."""
    found = [chain for chain in _read(frames) if chain.quality.get(part)]
    order = frames.ordered({chain.variant for chain in found})
    return sorted(found, key=lambda chain: (order.index(chain.variant), chain.repetition))


def _read(frames: Frames) -> Iterator[Chain]:
    for record in chosen(_done(frames)):
        cell = record["cell"]
        yield Chain(cell["variant"], cell.get("series"), cell["repetition"], record.get("quality") or {})


def _done(frames: Frames) -> Iterator[dict]:
    shown = set(zip(frames.cells.dataset, frames.cells.variant, strict=True))
    for _, record in records.in_folder(frames.folder):
        if not isinstance(record, dict):
            continue  # the frames have said so
        cell = record["cell"]
        if (record["kind"], record["status"]) == ("quality", "done") and (cell["dataset"], cell["variant"]) in shown:
            yield record
