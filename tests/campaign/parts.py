"""Parts of a campaign: each is run by a process, perhaps on another machine, and their counts are added.

A part has the numbers `first`, `first` + 1, ... of the attempts of a seed. It is kept as JSON beside its summary and
written again after every few attempts, so that an interrupted campaign keeps its counts:

    python -m tests.campaign.NAME --output a.md                     one part; a.md is the summary, a.json holds the part
    python -m tests.campaign.NAME --output a.md --resume            goes on where that one was interrupted
    python -m tests.campaign.NAME --output b.md --first 700 --count 300         another part, of the same seed
    python -m tests.campaign.NAME --output all.md --merge a.json b.json         adds both, and runs nothing

Parts that hold the same number of the same seed are refused. The summary names command, commit and machine of each.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.store import atomic
from tests.campaign import summary


@dataclass
class Part:
    """What a process has found so far.

    seed, first: the first of its attempts.
    done: number of its attempts.
    counts: row of the summary's table -> outcome -> number.
    problems: one line each.
    numbers: further numbers to add; of those whose name starts with "peak" the largest counts.
    origin: command, commit and machine, in words.
    """

    seed: int
    first: int
    done: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    origin: str = ""

    @property
    def end(self) -> int:
        """The number after its last one."""
        return self.first + self.done


Told = Callable[[Part], tuple[str, str]]  # of the sum of all parts: the finding in a sentence, and the body in Markdown


def add_options(parser: argparse.ArgumentParser, what: str, count: int, *names: str) -> None:
    """Give a campaign's command line the options of its parts.

    what: attempts, in words.
    count: their default number.
    names: further names of the option `--count`.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = __doc__.partition("\n\n")[2]
    said = f"Number of {what}; default: {count}."
    parser.add_argument("--count", *names, dest="count", type=int, default=count, metavar="N", help=said)
    parser.add_argument("--seed", type=int, default=0, help=f"Seed of the {what}; default: 0.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first one; default: 0.")
    said = "Keep the parts in FILE's .json, and go on after them up to --count; default: begin anew."
    parser.add_argument("--resume", action="store_true", help=said)
    said = "Add these parts (.json) instead of running one; default: none."
    parser.add_argument("--merge", nargs="+", type=Path, default=[], metavar="PART", help=said)
    summary.add_option(parser)


def begun(parser: argparse.ArgumentParser, given: argparse.Namespace) -> tuple[list[Part], Part | None, int]:
    """The earlier parts, the part to run (None where parts are merged alone), and its number of attempts.

    parser, given: the command line; a wrong one ends the process with a line and exit code 2.
    """
    if given.resume and not given.output:
        parser.error("--resume needs the --output of the earlier part")
    kept = given.output.with_suffix(".json") if given.output else None
    try:
        earlier = [part for path in given.merge for part in read(path)]
        earlier += read(kept) if given.resume and kept.is_file() else []
    except (OSError, ValueError, TypeError) as error:
        parser.error(f"no part of a campaign: {error}")
    if twice := overlap(earlier):
        parser.error(twice)
    if given.merge:
        return earlier, None, 0
    first = max([given.first, *(part.end for part in earlier if part.seed == given.seed)])
    new = Part(given.seed, first)
    return earlier, new, max(0, given.first + given.count - first)


def read(path: Path) -> list[Part]:
    """The parts in a file."""
    return [Part(**part) for part in json.loads(path.read_text())]


def overlap(parts: Iterable[Part]) -> str:
    """A line where two parts hold the same number of the same seed; else empty."""
    for one, other in itertools.combinations(parts, 2):
        low, high = max(one.first, other.first), min(one.end, other.end) - 1
        if one.seed == other.seed and low <= high:
            return f"two parts hold numbers {low} to {high} of seed {one.seed}; leave one of them out"
    return ""


def added(parts: Sequence[Part]) -> Part:
    """The sum of parts."""
    counts: dict[str, Counter] = {}
    numbers: dict[str, float] = {}
    for part in parts:
        for row, found in part.counts.items():
            counts.setdefault(row, Counter()).update(found)
        for name, value in part.numbers.items():
            largest = name.startswith("peak")
            numbers[name] = max(numbers.get(name, 0), value) if largest else numbers.get(name, 0) + value
    problems = [line for part in parts for line in part.problems]
    by_row = {row: dict(sorted(found.items())) for row, found in sorted(counts.items())}
    return Part(parts[0].seed, parts[0].first, sum(part.done for part in parts), by_row, problems, numbers)


def write(output: Path | None, title: str, parts: Sequence[Part], told: Told) -> str:
    """Write the summary of parts, and the parts beside it, where a file is given; returns the finding.

    output: Markdown file, or None.
    title: what was done, in words.
    parts: with at least one attempt between them.
    told: finding and body of their sum.
    """
    parts = [part for part in parts if part.done] or list(parts[-1:])
    total = added(parts)
    finding, body = told(total)
    if output is not None:
        origins = [part.origin for part in parts]
        if len(parts) > 1:
            origins = [f"Numbers {p.first} to {p.end - 1} of seed {p.seed}. {p.origin}" for p in parts]
        summary.write(output, title, finding, body, total.problems, origins)
        kept = json.dumps([asdict(part) for part in parts], indent=1) + "\n"
        atomic.write(output.with_suffix(".json"), kept.encode())
    return finding
