"""The gate's history: what each commit did to the numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report.formats import number
from benchmarks.report.page.blocks import Block, Listing, Value, heads
from benchmarks.report.page.run import Run

ORDER, TITLE, PRINTED = 140, "History of the gate", False
HEADS = ["date", "commit", "preset", "verdicts", "primaries"]
MOST = 200  # lines, the newest


def blocks(run: Run) -> list[Block]:
    """One row per line of the folder's history.jsonl, or of results/gate/history.jsonl about the run's presets."""
    presets = set(run.frames.cells.preset.dropna())
    lines = list(_lines(run.folder / "history.jsonl"))
    lines = lines or [
        line for line in _lines(run.folder.parent / "gate" / "history.jsonl") if line.get("preset") in presets
    ]
    rows = [[Value(_words(line.get(name))) for name in HEADS] for line in lines[-MOST:]]
    return [Listing(run.id("gate"), "Every comparison, the oldest first", heads(HEADS), rows)] if rows else []


def _lines(path: Path) -> Iterator[dict]:
    """The mappings of a file of JSON lines; a line that is none is left out, and so is a missing file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _words(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_words(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "; ".join(_words(item) for item in value)
    if isinstance(value, float):
        return number(value)
    return "-" if value is None else str(value)
