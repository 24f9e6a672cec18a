"""`gate`: does the working tree make a paradigm worse, slower or larger?"""

from __future__ import annotations

import dataclasses
import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from benchmarks import options
from benchmarks.errors import BadInput, nearest
from benchmarks.gate import baseline
from benchmarks.gate.options import GateOptions
from benchmarks.store.records import finite

if TYPE_CHECKING:
    from benchmarks.gate.run import Outcome

SpeedMode = StrEnum("SpeedMode", ["report", "enforce"])

PresetName = Annotated[str, Argument(help="Name of a preset, or path to a .toml file; default: digits.")]
Base = Annotated[
    str | None, Option(metavar="REVISION", help="Git revision to compare with; default: the committed baseline.")
]
SeedsMax = Annotated[int, Option(metavar="N", help="Most training seeds that quality may spend on a side.")]
Speed = Annotated[
    SpeedMode, Option(help="report: speeds decide nothing; enforce: they do, on a machine that does nothing else.")
]
Only = Annotated[
    str | None,
    Option(metavar="STAGES", help="Stages to run, separated by commas; default: identity,counters,quality,speed."),
]
Output = Annotated[Path, Option(help="Folder of gate.md, junit.xml, gate.json and logs, made if absent.")]
Baselines = Annotated[Path, Option(help="Folder of the baselines, with a folder per preset.")]


def command(
    preset: PresetName = "digits",
    base: Base = None,
    paradigm: options.Paradigms = [],  # noqa: B006
    seeds_max: SeedsMax = 10,
    speed: Speed = SpeedMode.report,
    only: Only = None,
    jobs: options.Jobs = None,
    data_dir: options.DataDir = None,
    output: Output = Path("results/gate"),
    baselines: Baselines = baseline.FOLDER,
    as_json: options.Json = False,
) -> int:
    """Compare the working tree with its blessed baseline.

    Exit codes: 0 pass, 1 regression, 2 bad usage, 3 inconclusive or in need of a blessing, 4 nothing was measured.
    """
    from benchmarks.gate import chronicle, junit, run, summary  # import SciPy

    for option, value in (("--seeds-max", seeds_max), ("--jobs", jobs)):
        if value is not None and value < 1:
            raise BadInput(f"{option} {value}: must be greater than 0")
    stages = _stages(only, run.available())
    chosen = GateOptions(output, data_dir, tuple(paradigm), stages, seeds_max, speed.value, jobs)
    outcome = run.gate(preset, base, chosen, baselines)
    page, content = summary.markdown(outcome), _json(outcome)
    output.mkdir(parents=True, exist_ok=True)
    (output / "gate.md").write_text(page, encoding="utf-8")
    (output / "gate.json").write_text(content + "\n", encoding="utf-8")
    (output / "junit.xml").write_bytes(junit.xml(outcome))
    if step := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(step, "a", encoding="utf-8") as file:
            file.write(page)
    chronicle.gated(preset, outcome.findings, chosen, baselines)
    print(content if as_json else page)
    return outcome.code


def _stages(only: str | None, allowed: list[str]) -> tuple[str, ...]:
    if only is None:
        return tuple(allowed)
    names = tuple(name.strip() for name in only.split(",") if name.strip())
    for name in names or [only]:
        if name not in allowed:
            raise BadInput(f"--only {only}: no stage {name!r}; allowed: {', '.join(allowed)}{nearest(name, allowed)}")
    return names


def _json(outcome: Outcome) -> str:
    from benchmarks.gate import summary

    content = dataclasses.asdict(outcome) | {"exit_code": outcome.code, "verdict": summary.TITLES[outcome.code]}
    content |= {"cause": summary.cause(outcome.findings)}
    return json.dumps(finite(content), indent=1)
