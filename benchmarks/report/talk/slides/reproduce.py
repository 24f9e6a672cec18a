"""How to make these runs and this talk again."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk.parts import Slide, Text
from benchmarks.report.talk.runs import Runs

ORDER = 160
NEEDS = "finished runs"


def slide(runs: Runs) -> Slide | None:
    """One command per run, and the talk's own."""
    folders = list(dict.fromkeys(run.folder for run in runs.runs))
    commands = list(dict.fromkeys(run.command for run in runs.runs))
    n_records = sum(len(run.frames.cells) for run in runs.runs)
    title = say(
        "{commands} commands make the {records} records behind these slides again",
        **{"commands": len(commands), "records": n_records},
    )
    lines = ("make install", *commands, f"python -m benchmarks talk {' '.join(map(str, folders))}")
    speech = (
        say("Interrupted runs resume with the same command. Every record names its commit and its hardware."),
        say("The numbers of the title are counts, which have no interval."),
    )
    return Slide(title, (Text(lines, code=True),), runs.runs[0], speech)
