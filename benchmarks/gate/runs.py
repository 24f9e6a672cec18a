"""Trains and scores the cells that the quality gate compares, and nothing else of them: no curves, no timings.

`python -m benchmarks.gate.runs SPEC.json` does so in the source tree that comes first on PYTHONPATH.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.execute import session
from benchmarks.plan import presets, selection
from benchmarks.plan.preset import Preset

# Curve points keep weights along the way and score them; timings and the other scores decide nothing here.
UNCHANGING = {"curve_points": 1, "curve_nfe": [1], "timing_launches": 0}


def measure(
    preset: Preset, variants: Sequence[str], columns: Mapping[str, Sequence], seeds: int, place: session.Place
) -> list[dict]:
    """Run the unfinished cells of some variants; returns what all their cells scored.

    preset: of this source tree.
    variants: names; those that the preset lacks are left out.
    columns: variant -> (column, nfe, sampler) of what is scored.
    seeds: training seeds 0 to seeds - 1.
    place: where.

    Returns one dict per cell, as `kept` does.

    Raises BadInput where a cell cannot run.
    """
    known = [name for name in variants if name in preset.variants]
    if not known:
        return []
    few = selection.selected(preset.model_copy(update=UNCHANGING | {"seeds": seeds}), known)
    cells = session.plan(_narrowed(few, columns), place)
    executed = session.execute(cells, place)
    return [kept(record) for record in executed if record["kind"] == "quality"]


def _narrowed(preset: Preset, columns: Mapping[str, Sequence]) -> Preset:
    """The preset that scores the given columns only."""
    variants = {}
    for name, variant in preset.variants.items():
        wanted = columns.get(name, [])
        sampled = [entry for entry in wanted if entry[0] != "accuracy"]
        scores = {"recognition": len(sampled) < len(wanted), "samples": bool(sampled)}
        update = {"scores": [score for score, needed in scores.items() if needed]}
        counts = sorted({nfe for _, nfe, _ in sampled if nfe})
        if counts:
            named = [sampler for _, _, sampler in sampled if sampler]
            update |= {"nfe": counts, "nfe_of": {}, "samplers": sorted(set(named)) or variant.samplers[:1]}
        variants[name] = variant.model_copy(update=update) if wanted else variant
    return preset.model_copy(update={"variants": variants})


def kept(record: dict) -> dict:
    """What the quality gate needs of the record of a cell.

    record: of a quality cell.

    Returns variant, repetition, status, reason, train_code, accuracy, and samples, each with sampler, nfe_asked,
    fid_ratio and fid2_ratio.
    """
    cell, quality = record["cell"], record.get("quality") or {}
    samples = [
        {name: entry.get(name) for name in ("sampler", "nfe_asked", "fid_ratio", "fid2_ratio")}
        for entry in quality.get("samples") or []
    ]
    who = {name: cell.get(name) for name in ("variant", "repetition", "train_code")}
    ended = {"status": record["status"], "reason": record["reason"]}
    return who | ended | {"accuracy": quality.get("accuracy"), "samples": samples}


def of_tree(name: str, dumped: dict, paradigm: Sequence[str]) -> Preset:
    """The preset of a name in this source tree; where it has none, the dumped one.

    name: of the preset, or its path in this tree.
    dumped: another tree's preset, as `model_dump` gives it.
    paradigm: selection of variants, as the option --paradigm takes it; what this tree lacks is left out.
    """
    known = name in presets.names() or (name.endswith(".toml") and Path(name).is_file())
    own = presets.load(name) if known else Preset.model_validate(dumped)
    there = [one for one in paradigm if one in own.variants or (one.endswith(".py") and Path(one).is_file())]
    return selection.selected(own, there) if there else own


def main(path: str) -> None:
    """Answer the request in a JSON file, in the file that it names."""
    request = json.loads(Path(path).read_text(encoding="utf-8"))
    preset = of_tree(request["name"], request["preset"], request["paradigm"])
    data_dir = Path(request["data_dir"]) if request["data_dir"] else None
    place = session.Place(Path(request["results_dir"]), data_dir=data_dir, jobs=request["jobs"])
    found = measure(preset, request["variants"], request["columns"], request["seeds"], place)
    Path(request["answer"]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
