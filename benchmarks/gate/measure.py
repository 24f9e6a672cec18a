"""Measures every variant of a preset with the code of one source tree: `python -m benchmarks.gate.measure SPEC.json`.

The gate starts it once per tree, with that tree first on PYTHONPATH, so that head and base are each measured by their
own code. SPEC.json holds preset, paradigm, data_dir, jobs and output, the file that the measurement is written to.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute import fork_server, preparation
from benchmarks.execute.cores import cores
from benchmarks.gate.baseline import SCHEMA
from benchmarks.plan import presets, selection
from benchmarks.plan.preset import Preset

ONE, NETWORK = "benchmarks.gate.variant", "benchmarks.execute.build_extractor"
FEW = 64  # samples that are scored, whose floors are computed before


def main(path: str) -> int:
    """Measure, and write {"schema", "variants": subject -> its measurement} or {"refused": one line}; returns 0.

    path: SPEC.json.
    """
    spec = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        found = {"schema": SCHEMA, "variants": measured(spec)}
    except Exception as error:
        found = {"refused": " ".join(str(error).split()) or type(error).__name__}
    output = Path(spec["output"])
    partial_file = output.with_suffix(".tmp")
    partial_file.write_text(json.dumps(found), encoding="utf-8")
    os.replace(partial_file, output)
    return 0


def measured(spec: dict) -> dict[str, dict]:
    """Subject -> measurement, as `variant.answer` returns it, for every variant and data set.

    spec: as in the file.

    Raises BadInput for a preset or variant that this tree does not have.
    """
    given, data_dir = spec["paradigm"], Path(spec["data_dir"]) if spec["data_dir"] else None
    preset = selection.selected(presets.load(spec["preset"]), given)
    os.environ |= {"OMP_NUM_THREADS": str(preset.threads)}  # the same order of sums whatever the caller has set
    fork_server.import_once([ONE, NETWORK])
    _build_networks(preset, data_dir)
    ask = partial(_ask, preset=spec["preset"], paradigm=given, data_dir=data_dir)
    cells = subjects(preset)
    at_once = spec["jobs"] or max(1, min(2, cores() // preset.threads))
    with ThreadPoolExecutor(at_once) as pool:
        return dict(
            zip(cells, pool.map(lambda cell: ask(variant=cell[0], dataset=cell[1]), cells.values()), strict=True)
        )


def subjects(preset: Preset) -> dict[str, tuple[str, str]]:
    """Subject -> (variant, data set) of a preset: the variant's name, with the data set's where there are several."""
    pairs = [
        (name, dataset)
        for name, variant in preset.variants.items()
        if not variant.only_start
        for dataset in variant.datasets or preset.datasets
    ]
    alone = len(preset.datasets) == 1
    return {name if alone else f"{name} on {dataset}": (name, dataset) for name, dataset in pairs}


def _ask(**request) -> dict:
    try:
        return fork_server.ask(ONE, request)
    except (BadInput, ChildProcessError) as error:
        return {"failed": f"its process {error}" if isinstance(error, ChildProcessError) else str(error)}


def _build_networks(preset: Preset, data_dir: Path | None) -> None:
    """Build the scoring networks that are not cached, once and not in every variant's process."""
    pairs = [(dataset, kind) for dataset in preset.datasets for kind in preset.extractors]
    try:
        preparation.networks(pairs, data_dir, FEW)
    except (BadInput, ChildProcessError) as error:
        print(f"scoring networks: {error}", file=sys.stderr)  # every variant that needs them fails with the reason


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
