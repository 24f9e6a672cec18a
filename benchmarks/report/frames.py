"""Records -> tidy frames: one row per observation, one column per fact; a missing value stays missing.

Everything in the report is computed from these frames, and they from the records alone.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from benchmarks import records
from benchmarks.errors import BadInput

SERIES = ["dataset", "variant", "sampler"]
# What may differ between the seeds of one variant; any other difference means that they are not repetitions.
VARIES = {"repetition", "seed", "preset", "limit_seconds", "timing_seconds", "title", "era", "reference", "task"}


@dataclass(frozen=True)
class Frames:
    """cells: one row per record, of either kind. samples: per seed, sampler and NFE. timing: per sampler and NFE.
    accuracy_curve, fid_curve: points along training. loss: loss curves, with the FLOPs spent when each was seen."""

    folder: Path
    cells: DataFrame
    samples: DataFrame
    timing: DataFrame
    accuracy_curve: DataFrame
    fid_curve: DataFrame
    loss: DataFrame

    def of(self, dataset: str) -> Frames:
        """The same frames, one data set's rows only."""
        frames = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "folder"}
        return replace(self, **{name: frame[frame.dataset == dataset] for name, frame in frames.items()})

    @property
    def datasets(self) -> list[str]:
        """The data sets, sorted."""
        return sorted(self.cells.dataset.unique())

    def ordered(self, variants: Iterable[str]) -> list[str]:
        """Variants in the order of tables and legends: recognition first, then generation, each by name."""
        recognition = set(self.cells.variant[self.cells.task == "recognition"])
        return sorted(set(variants), key=lambda variant: (variant not in recognition, variant))


def read(folder: Path) -> Frames:
    """The frames of every record in `folder`/cells. A damaged record is left out with a warning that names it.

    Raises BadInput where there is no record.
    """
    paths = sorted((folder / "cells").glob("*.json"))
    if not paths:
        raise BadInput(f"results folder {folder}: no records in cells/; fill it with: python -m benchmarks run PRESET")
    found = sorted(_read(paths), key=_place)
    if not found:
        raise BadInput(f"results folder {folder}: every record in cells/ is damaged; run the preset again")
    done = [record for record in found if record["status"] == "done"]
    quality = [record for record in done if record["kind"] == "quality"]
    timing = [record for record in done if record["kind"] == "timing"]
    return Frames(
        folder,
        cells=_complete(_frame(map(_cell, found), CELL)),
        samples=_frame((row for record in quality for row in _samples(record, "quality")), SAMPLE),
        timing=_frame((row for record in timing for row in _samples(record, "timing")), TIMED),
        accuracy_curve=_frame((row for record in quality for row in _accuracy_curve(record)), ACCURACY),
        fid_curve=_frame((row for record in quality for row in _fid_curve(record)), FID),
        loss=_frame((row for record in quality for row in _loss(record)), LOSS),
    )


def over_seeds(frame: DataFrame, by: list[str], value: str) -> DataFrame:
    """Per group of `by`: mean, sd (ddof=1, missing for one seed) and n of `value`.

    A seed without a value leaves the mean missing: the mean of the others would favour whoever fails.
    """
    groups = frame.groupby(by, sort=False)[value]
    result = groups.agg(mean="mean", sd="std", n="size", known="count").reset_index()
    result.loc[result.known < result.n, ["mean", "sd"]] = float("nan")
    return result.drop(columns="known")


def _read(paths: list[Path]) -> Iterator[dict]:
    for path in paths:
        try:
            yield records.read(path)
        except records.DamagedRecord as error:
            warnings.warn(f"left out of the report: {error}", stacklevel=4)


def _place(record: dict) -> tuple:
    cell = record["cell"]
    return cell["dataset"], cell["variant"], record["kind"], cell["repetition"] or 0, record["key"]


WHO = ["dataset", "variant", "repetition"]
POINT = [*WHO, "sampler", "primary", "nfe"]
SCORES = ["fid", "fid_floor", "fid_ratio", "kid", "memorisation_ratio", "n_samples", "flops_per_sample"]
SPEEDS = ["sample_images_per_second", "sample_ms_per_image", "latency_ms_batch1", "peak_sample_bytes"]
CELL = [
    *[*WHO, "kind", "title", "era", "task", "status", "reason", "settings", "commit", "machine", "samples_file"],
    *["train_flops", "train_seconds", "accuracy", "train_images_per_second", "peak_train_bytes", "exclusive"],
]
SAMPLE = [*POINT, "nfe_asked", "fid_extractor", *SCORES]
TIMED = [*POINT, "nfe_asked", *SPEEDS]
ACCURACY = [*WHO, "point", "flops", "accuracy"]
FID = [*POINT, "point", "flops", "fid", "fid_ratio"]
LOSS = [*WHO, "stage_index", "stage", "update", "flops", "loss"]
WORDS = {
    *["dataset", "variant", "sampler", "primary", "kind", "title", "era", "task", "status", "reason", "settings"],
    *["commit", "machine", "samples_file", "exclusive", "fid_extractor", "stage"],
}  # every other column is numbers


def _frame(rows: Iterable[dict], columns: list[str]) -> DataFrame:
    frame = DataFrame(list(rows), columns=columns, dtype=object)
    numbers = [name for name in columns if name not in WORDS]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    return frame


def _complete(cells: DataFrame) -> DataFrame:
    """Fill the facts of a class from the variant's other records: a worker that died early did not know them."""
    for fact in ["title", "era", "task"]:
        known = cells.groupby("variant")[fact].transform("first")
        cells[fact] = cells[fact].where(cells[fact].notna(), known)
    cells["title"] = cells.title.where(cells.title.notna(), cells.variant)
    return cells


def _who(record: dict) -> dict:
    return {name: record["cell"][name] for name in WHO}


def _cell(record: dict) -> dict:
    cell, provenance = record["cell"], record.get("provenance") or {}
    training, quality, timing = (record.get(part) or {} for part in ("training", "quality", "timing"))
    commit = (provenance.get("commit") or "unknown")[:7] + (" (modified)" if provenance.get("dirty") else "")
    return {
        **{name: record.get(name) for name in ("kind", "status", "reason", "samples_file")},
        **{name: cell.get(name) for name in (*WHO, "title", "era", "task")},
        **{name: timing.get(name) for name in ("train_images_per_second", "peak_train_bytes", "exclusive")},
        "settings": json.dumps({name: cell[name] for name in sorted(cell.keys() - VARIES)}),
        "commit": commit,
        "machine": _machine(provenance, cell.get("device")),
        "train_flops": training.get("flops"),
        "train_seconds": training.get("seconds"),
        "accuracy": quality.get("accuracy"),
    }


def _machine(provenance: dict, device: str | None) -> str:
    threads = provenance.get("threads")
    counted = f", {threads} thread{'s' if threads != 1 else ''}" if threads else ""
    if device == "cuda":
        return (provenance.get("gpu_model") or "unknown GPU") + counted
    return f"{provenance.get('cpu_count') or '?'} x {provenance.get('cpu_model') or 'unknown CPU'}{counted}"


def _samples(record: dict, part: str) -> Iterator[dict]:
    entries = record[part].get("samples") or []
    for entry in entries:
        asked = entry.get("nfe_asked", entry["nfe"])
        yield _who(record) | entry | {"primary": entry["sampler"] == entries[0]["sampler"], "nfe_asked": asked}


def _accuracy_curve(record: dict) -> Iterator[dict]:
    for index, point in enumerate(record["quality"].get("curve") or []):
        if point.get("accuracy") is not None:
            yield _who(record) | {"point": index, "flops": point["flops"], "accuracy": point["accuracy"]}


def _fid_curve(record: dict) -> Iterator[dict]:
    for index, point in enumerate(record["quality"].get("curve") or []):
        entries = point.get("samples") or []
        for entry in entries:
            primary = entry["sampler"] == entries[0]["sampler"]
            yield _who(record) | entry | {"primary": primary, "point": index, "flops": point["flops"]}


def _loss(record: dict) -> Iterator[dict]:
    spent = 0
    for index, stage in enumerate(record["training"].get("stages") or []):
        per_update = stage["flops"] / max(stage["updates"], 1)
        for update, loss in stage.get("loss_curve") or []:
            seen = {"update": update, "flops": spent + update * per_update, "loss": loss}
            yield _who(record) | {"stage_index": index, "stage": stage["name"]} | seen
        spent += stage["flops"]
