"""Runs mutations one by one, in this process, and sorts them by how they ended.

A mutation ends well if it is accepted, refused in one short printable line, or named in one where the rest goes on.
It ends badly with a traceback, with more or longer lines, after too long a time, or if it changed a file elsewhere.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.errors import BadInput
from tests.campaign import parts, summary

SECONDS, WALL_SECONDS, LONGEST, PART = 20, 600, 2200, 50
TIMERS = {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}
OUTCOMES = (
    "A mutation is *refused* in one short printable line with exit code 2, *named* in such a line where the rest goes "
    "on, or *accepted* because it is still valid. A traceback, a longer or second line, more than "
    f"{SECONDS} s of processor time or {WALL_SECONDS} s, and a change of a file elsewhere end it badly."
)
GOOD = ("accepted", "refused", "named", "cells failed")
Attempt = Callable[[], str]  # returns "accepted" or "named"; raises BadInput or SystemExit where it is refused
Make = Callable[[np.random.Generator, Path], tuple[str, Attempt]]


class Hang(BaseException):
    """An attempt took longer than SECONDS of processor time, or than WALL_SECONDS."""


def campaign(
    make: Make, count: int, seed: int = 0, first: int = 0, after_part: Callable[[dict], object] = lambda _: None
) -> dict:
    """Make and run mutations; returns how they ended.

    make: (random generator, folder to work in) -> what is mutated, in words, and the attempt that reads it.
    count: number of mutations.
    seed: the same mutations for the same seed.
    first: number of the first one of them.
    after_part: is called after every PART mutations with what is returned in the end.

    Returns {"count", "seed", "outcomes": {what: {outcome: number}}, "bad": [one line each], "peak_memory_bytes"}.
    """
    outcomes: dict[str, Counter] = {}
    bad = []
    with tempfile.TemporaryDirectory() as place:
        (inside := Path(place) / "inside").mkdir()
        (outside := Path(place) / "outside.txt").write_text("mine")
        for index in range(first, first + count):
            what, attempt = make(np.random.default_rng([seed, index]), inside)
            outcome, said = ended(attempt)
            if sorted(path.name for path in Path(place).iterdir()) != ["inside", "outside.txt"]:
                outcome, said = "wrote elsewhere", str(sorted(Path(place).iterdir()))
            if outside.read_text() != "mine":
                outcome, said = "wrote elsewhere", "outside.txt changed"
            outcomes.setdefault(what, Counter())[outcome] += 1
            if outcome not in GOOD:
                bad.append(f"{index} {what}: {outcome}: {said}")
            if (done := index + 1 - first) % PART == 0:
                after_part(_found(done, seed, outcomes, bad))
    return _found(count, seed, outcomes, bad)


def _found(count: int, seed: int, outcomes: dict[str, Counter], bad: list[str]) -> dict:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    counts = {what: dict(sorted(found.items())) for what, found in sorted(outcomes.items())}
    return {"count": count, "seed": seed, "outcomes": counts, "bad": bad, "peak_memory_bytes": peak}


def ended(attempt: Attempt) -> tuple[str, str]:
    """How one attempt ended, and what it said."""
    errors, outcome = io.StringIO(), ""
    before = [signal.signal(number, _hang) for number in TIMERS.values()]
    for timer, limit in zip(TIMERS, (SECONDS, WALL_SECONDS), strict=True):  # the computer may have other work, too
        signal.setitimer(timer, limit)
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("always")
            outcome = attempt()
    except SystemExit as end:
        outcome = {0: "accepted", 1: "cells failed", 2: "refused"}.get(end.code or 0, f"exit code {end.code}")
    except BadInput as error:
        outcome = "refused"
        errors.write(f"error: {error}\n")
    except KeyboardInterrupt:  # of the campaign
        raise
    except Hang:
        return "hang", ""
    except BaseException as error:
        return "traceback", f"{type(error).__name__}: {str(error)[:300]} at {_place(error)}"
    finally:
        for timer, handler in zip(TIMERS, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(TIMERS[timer], handler)
    lines = errors.getvalue().splitlines()
    if outcome == "refused" and (len(lines) != 1 or len(lines[0]) > LONGEST or not lines[0].isprintable()):
        return "no short line", f"{len(lines)} lines: {errors.getvalue()[:300]!r}"
    return outcome, errors.getvalue()


def say(lines: list[str]) -> None:
    """Pass on lines that name a file; AssertionError where one is long or would move a terminal's cursor."""
    for line in lines:
        if len(line) > 800 or not line.isprintable():
            raise AssertionError(f"no short line: {line[:300]!r}")
        print(line, file=sys.stderr)


def _hang(*_) -> None:
    raise Hang


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def main(make: Make, title: str) -> None:
    """The command line of a kind; title: of its summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts.add_options(parser, "mutations", 1000)
    given, began = parser.parse_args(), time.monotonic()
    earlier, part, count = parts.begun(parser, given)

    def write(found: dict) -> None:
        part.done, part.counts, part.problems = found["count"], found["outcomes"], found["bad"]
        part.numbers = {"peak_memory_bytes": found["peak_memory_bytes"]}
        part.origin = summary.origin(time.monotonic() - began)
        print(parts.write(given.output, title, [*earlier, part], _told), flush=True)

    if part is None:
        print(parts.write(given.output, title, earlier, _told))
    else:
        write(campaign(make, count, given.seed, part.first, write))
    problems = parts.added([*earlier, part] if part else earlier).problems
    print(*problems, sep="\n")
    sys.exit(bool(problems))


def _told(total: parts.Part) -> tuple[str, str]:
    finding = (
        f"Of {total.done:,} mutations {len(total.problems)} ended badly. A process that makes them uses at most "
        f"{total.numbers['peak_memory_bytes'] / 1e6:,.0f} MB of memory."
    )
    return finding, f"{OUTCOMES}\n\n{summary.table(total.counts, 'mutated')}"
