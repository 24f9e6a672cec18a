"""Which code made the records, and whether today's training code would make the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import paradigms
from benchmarks.plan import fingerprint
from benchmarks.report.frames.frames import Frames


def provenance_line(frames: Frames) -> str:
    """The commit of the records, and whether the training code of their paradigms has changed since."""
    cells = frames.cells[["paradigm", "train_code", "commit"]]
    commits = ", ".join(sorted(set(cells.commit)))
    known = cells.dropna(subset="train_code").drop_duplicates()
    if known.empty:
        return f"Records made before training code was fingerprinted (commit {commits})."
    changed = {Path(cell.paradigm).stem for cell in known.itertuples() if todays_code(cell.paradigm) != cell.train_code}
    since = f"has changed since for: {', '.join(sorted(changed))}" if changed else "unchanged since"
    older = ", ".join(sorted(set(cells.commit[cells.train_code.isna()])))
    more = f" Some records were made before training code was fingerprinted (commit {older})." if older else ""
    return f"Records of commit {commits}; training code {since}.{more}"


@cache
def todays_code(paradigm: str) -> str | None:
    """The hash of today's training code of a paradigm (a name, or a path); None where its file is gone."""
    try:
        return fingerprint.train_code(paradigms.source(paradigm))
    except (OSError, ValueError, LookupError, SyntaxError):
        return None
