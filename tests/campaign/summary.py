"""The summary of a campaign as a Markdown file: what was run, on what, and how it ended."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from benchmarks.execute.cores import cores
from benchmarks.store.provenance import provenance

PLACES = ("--output", "--folder")


def add_option(parser: argparse.ArgumentParser) -> None:
    """Give a campaign's command line the option `--output`."""
    said = "Markdown file to write the summary to, again after every part; default: none."
    parser.add_argument("--output", type=Path, help=said)


def write(
    path: Path | None, title: str, finding: str, table: str, problems: Sequence[str], origins: Sequence[str]
) -> None:
    """Write the summary of a campaign; does nothing where `path` is None.

    path: the file.
    title: what was done, in words.
    finding: the result in one sentence.
    table: counts, in Markdown.
    problems: one line each; none where all went well.
    origins: where the numbers come from, as `origin` says it; several where parts were added.
    """
    if path is None:
        return
    lines = [
        f"# {title}",
        f"**{finding}**",
        table,
        *(["Problems:", "\n".join(f"- {line}" for line in problems)] if problems else []),
        *(origins if len(origins) == 1 else ["Parts:", "\n".join(f"- {line}" for line in origins)]),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(lines) + "\n")


def origin(seconds: float) -> str:
    """Command, commit, date and machine of this process, in words.

    seconds: wall-clock time so far.
    """
    facts = _facts()
    changed = ", with changes that are not committed" if facts["dirty"] else ""
    module = sys.modules["__main__"].__spec__.name
    return (
        f"Command: `python -m {shlex.join([module, *_reported(sys.argv[1:])])}`. Commit "
        f"{(facts['commit'] or 'unknown')[:12]}{changed}. {datetime.now(UTC):%Y-%m-%d}; {platform.system()}, Python "
        f"{facts['versions']['python']}, torch {facts['versions']['torch']}, {cores()} cores of "
        f"{facts['cpu_model'] or 'an unknown processor'}, load average {os.getloadavg()[2]:.1f}; "
        f"{seconds / 60:.0f} min."
    )


@cache
def _facts() -> dict:
    return provenance("cpu", threads=1, exclusive=False)


def table(counts: Mapping[str, Mapping[str, int]], first: str) -> str:
    """Counts as a table in Markdown: a row per key with the sum, a column per outcome.

    counts: row -> outcome -> number.
    first: heading of the first column.
    """
    outcomes = sorted({outcome for found in counts.values() for outcome in found})
    rows = [[first, *outcomes, "all"], ["---", *["--:"] * (len(outcomes) + 1)]]
    for name, found in counts.items():
        rows.append([name, *(found.get(outcome, 0) for outcome in outcomes), sum(found.values())])
    total = [sum(found.get(outcome, 0) for found in counts.values()) for outcome in outcomes]
    rows.append(["all", *total, sum(total)])
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _reported(arguments: Sequence[str]) -> list[str]:
    """The command line without places, which are no part of what was done."""
    kept = list(arguments)
    for option in PLACES:
        if option in kept:
            at = kept.index(option)
            del kept[at : at + 2]
    return kept
