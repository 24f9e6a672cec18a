"""Corrects the FID floors of records that were made with floors of a fixed part of the training split.

Until records had `fid_floor_draws`, a floor was the mean of 20 draws from a fixed choice of 10,000 training images. On
28x28 images it was too high by 8 % to 30 %, and so every ratio was too low. A FID itself does not depend on its floor,
so the ratio is taken anew. results/reference/floors.json has the corrected floor of each scoring network of the
committed records, and how it was obtained: from networks that were built again, whose correction differs by 4 % between
two training seeds.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parents[2] / "results" / "reference" / "floors.json"
ENOUGH_DRAWS = 200
DISTANCES = ("fid", "fid2")


class CorrectedFloor(NamedTuple):
    """The corrected floor of one scoring network: mean and standard deviation over draws, standard error of the mean,
    number of draws, and distance of the whole training split."""

    floor: float
    sd: float
    se: float
    draws: int
    whole: float


def corrected(record: dict) -> dict:
    """The record with every FID ratio over the corrected floor; the record itself where nothing is to correct.

    record: of any kind. In its samples `fid_ratio`, `fid_floor` and the floor's `_sd`, `_se`, `_draws` and `_whole` are
    corrected, and the same of `fid2`; so are the ratios of its curve and those of its further draws. Its
    `quality.floor_corrected` is a sentence about it. Floors of 200 or more draws stay, and those of unknown networks.
    """
    quality = record.get("quality") or {}
    entries = quality.get("samples") or []
    if not any(_found(entry, name) for entry in entries for name in DISTANCES):
        return record
    changed = quality | {"samples": [_entry(entry) for entry in entries], "floor_corrected": _note(entries)}
    if first := _found(entries[0], "fid"):  # the whole record has one first scoring network and one number of samples
        factor = entries[0]["fid_floor"] / first.floor
        changed["curve"] = [_point(point, factor) for point in quality.get("curve") or []]
        changed["sampling_noise"] = [
            noise | {"fid_ratios": [ratio and ratio * factor for ratio in noise.get("fid_ratios") or []]}
            for noise in quality.get("sampling_noise") or []
        ]
    return record | {"quality": changed}


def _entry(entry: dict) -> dict:
    changed = dict(entry)
    for name in DISTANCES:
        if found := _found(entry, name):
            changed |= {f"{name}_floor": found.floor, f"{name}_ratio": entry[name] and entry[name] / found.floor}
            changed |= {f"{name}_floor_{part}": getattr(found, part) for part in ("sd", "se", "draws", "whole")}
    return changed


def _point(point: dict, factor: float) -> dict:
    entries = point.get("samples") or []
    more = [entry | {"fid_ratio": entry.get("fid_ratio") and entry["fid_ratio"] * factor} for entry in entries]
    return point | {"samples": more}


def _found(entry: dict, name: str) -> CorrectedFloor | None:
    """The corrected floor of a distance, "fid" or "fid2", of an entry; None where its own floor stays."""
    if not entry.get(f"{name}_floor") or (entry.get(f"{name}_floor_draws") or 0) >= ENOUGH_DRAWS:
        return None
    return known().get((entry.get(f"{name}_extractor"), entry.get("n_samples")))


def _note(entries: list[dict]) -> str:
    changes = {
        f"{entry[f'{name}_extractor']}: {entry[f'{name}_floor']:.3g} to {found.floor:.3g} ± {found.se:.1g}"
        for entry in entries
        for name in DISTANCES
        if (found := _found(entry, name))
    }
    return (
        f"FID floors corrected to hundreds of draws from the whole training split ({'; '.join(sorted(changes))}; ± 1 "
        "standard error over draws; two networks of one recipe differed by 4 % in the correction; all ratios of a data "
        "set share both)"
    )


@cache
def known(file: Path = FILE) -> dict[tuple[str, int], CorrectedFloor]:
    """(name of a scoring network, number of samples) -> corrected floor; empty without the file."""
    if not file.is_file():
        return {}
    kept = json.loads(file.read_text(encoding="utf-8"))["floors"]
    return {
        (one["extractor"], one["n_samples"]): CorrectedFloor(**{key: one[key] for key in CorrectedFloor._fields})
        for one in kept
    }
