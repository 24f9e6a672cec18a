"""`bless`: what the working tree measures becomes the baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from tabulate import tabulate
from typer import Argument, Option

from benchmarks import options
from benchmarks.gate import baseline
from benchmarks.gate.options import GateOptions
from benchmarks.store.records import finite

Kind = Annotated[str, Argument(help="Which baseline: counters (with identity), quality or speed.")]
PresetName = Annotated[str, Argument(help="Name of a preset, or path to a .toml file; default: digits.")]
Reason = Annotated[str, Option(metavar="TEXT", help="Why the baseline changes, in a sentence; default: none, refused.")]
DryRun = Annotated[
    bool, Option("--dry-run", help="Measure and print what would change; default: also write the baseline.")
]
Output = Annotated[Path, Option(help="Folder of logs, made if absent.")]
Baselines = Annotated[Path, Option(help="Folder of the baselines, with a folder per preset.")]


def command(
    kind: Kind,
    preset: PresetName = "digits",
    reason: Reason = "",
    dry_run: DryRun = False,
    paradigm: options.Paradigms = [],  # noqa: B006
    jobs: options.Jobs = None,
    data_dir: options.DataDir = None,
    output: Output = Path("results/gate"),
    baselines: Baselines = baseline.FOLDER,
    as_json: options.Json = False,
) -> None:
    """Write a baseline of the gate, and print what changes.

    Refuses uncommitted changes, a failed cell, and numbers that do not repeat.
    """
    from benchmarks.gate import blessing, chronicle  # import SciPy

    chosen = GateOptions(output, data_dir, tuple(paradigm), jobs=jobs)
    rows = blessing.bless(kind, preset, reason, chosen, baselines, dry_run)
    if not dry_run:
        chronicle.blessed(kind, preset, reason, chosen)
    if as_json:
        print(json.dumps(finite(rows), indent=1))
        return
    print(tabulate(rows, "keys", "simple", disable_numparse=True, missingval="-") if rows else "nothing changes")
    print("nothing was written" if dry_run else f"written to {baselines}; commit it")
