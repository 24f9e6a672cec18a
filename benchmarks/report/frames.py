"""Records -> tidy frames: one row per observation, one column per fact; a missing value stays missing.

Everything in the report is computed from these frames, and they from the records alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from benchmarks.errors import BadInput
from benchmarks.report import rows
from benchmarks.report.rows import AXES, LAYERS, LIKELIHOOD, REACH, RECOGNITION, TIMED_CELL, WHO
from benchmarks.report.trials import chosen, trials
from benchmarks.store import records

SERIES = ["dataset", "variant", "sampler"]
POINT = [*WHO, "sampler", "primary", "nfe"]
SCORES = [
    *["fid", "fid_floor", "fid_floor_whole", "fid_ratio", "kid", "memorisation_ratio", "n_samples", "flops_per_sample"],
    *["fid2", "fid2_floor", "fid2_ratio", "fid_bias", "kid_se", "precision", "recall", "density", "coverage"],
    *["class_distance", "class_entropy", "label_agreement", "memorisation", "k_shift"],
]
SPEEDS = [
    *["sample_images_per_second", "sample_ms_per_image", "latency_ms_batch1", "peak_sample_bytes"],
    *["latency_p50_ms", "latency_p90_ms", "sampler_efficiency", "mfu", "energy_joules_per_image", "warmup_seconds"],
]
CELL = [
    *[*WHO, "kind", "title", "era", "task", "status", "reason", "settings", "commit", "machine", "samples_file"],
    *["train_flops", "train_seconds", "accuracy", *RECOGNITION, *LIKELIHOOD, *REACH],
    *["series", *LAYERS, "squared_error"],
    *["mismatch_amplification", "mismatch_reason", "natural_nfe", *TIMED_CELL, "timing_flags"],
    *["train_end_to_end_images_per_second", "train_mfu", "train_energy_joules_per_image"],
]
SAMPLE = [*POINT, "nfe_asked", "fid_extractor", "fid2_extractor", *SCORES]
TIMED = [*POINT, "nfe_asked", *SPEEDS]
DRAW = [*WHO, "sampler", "nfe_asked", "draw", "fid_ratio"]
ACCURACY = [*WHO, "point", *AXES, "accuracy"]
FID = [*POINT, "point", *AXES, "fid", "fid_ratio"]
LOSS = [*WHO, "stage_index", "stage", "update", "flops", "loss"]
WORDS = {
    *["dataset", "variant", "sampler", "primary", "kind", "title", "era", "task", "status", "reason", "settings"],
    *["commit", "machine", "samples_file", "exclusive", "fid_extractor", "fid2_extractor", "stage", "correct"],
    "series",
    *["mismatch_reason", "timing_flags"],
}  # every other column is numbers


@dataclass(frozen=True)
class Frames:
    """cells: one row per record, of either kind. samples: per seed, sampler and NFE. timing: per launch, sampler, NFE.
    draws: FID ratios of further draws with other sampling seeds. accuracy_curve, fid_curve: points along training.
    loss: loss curves, with the FLOPs spent when each was seen. trials: all; the other frames hold the chosen ones.
    left_out: how many variants there are besides."""

    folder: Path
    cells: DataFrame
    samples: DataFrame
    timing: DataFrame
    draws: DataFrame
    accuracy_curve: DataFrame
    fid_curve: DataFrame
    loss: DataFrame
    trials: DataFrame
    left_out: int = 0

    def of(self, dataset: str) -> Frames:
        """The same frames, one data set's rows only."""
        return replace(self, **{name: frame[frame.dataset == dataset] for name, frame in self._tables().items()})

    def without_series(self) -> Frames:
        """The same frames without the variants that are points of a series."""
        return self.only(self.cells.variant[self.cells.series.isna()])

    def only(self, variants: Iterable[str], left_out: int = 0) -> Frames:
        """The same frames, some variants' rows only; `left_out` of the others are missed by whoever looks."""
        kept = set(variants)
        parts = {name: frame[frame.variant.isin(kept)] for name, frame in self._tables().items()}
        return replace(self, **parts, left_out=left_out)

    def _tables(self) -> dict[str, DataFrame]:
        return {f.name: value for f in fields(self) if isinstance(value := getattr(self, f.name), DataFrame)}

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
    found = list(records.in_folder(folder))
    if not found:
        raise BadInput(f"results folder {folder}: no records in cells/; fill it with: python -m benchmarks run PRESET")
    everything = sorted(_readable(found), key=_place)
    if not everything:
        raise BadInput(f"results folder {folder}: every record in cells/ is damaged; run the preset again")
    kept = chosen(everything)
    done = [record for record in kept if record["status"] == "done"]
    quality = [record for record in done if record["kind"] == "quality"]
    timing = [record for record in done if record["kind"] == "timing"]
    return Frames(
        folder,
        cells=_complete(_frame(map(rows.cell, kept), CELL)),
        samples=_frame((row for record in quality for row in rows.samples(record, "quality")), SAMPLE),
        timing=_frame((row for record in timing for row in rows.samples(record, "timing")), TIMED),
        draws=_frame((row for record in quality for row in rows.draws(record)), DRAW),
        accuracy_curve=_frame((row for record in quality for row in rows.accuracy_curve(record)), ACCURACY),
        fid_curve=_frame((row for record in quality for row in rows.fid_curve(record)), FID),
        loss=_frame((row for record in quality for row in rows.loss(record)), LOSS),
        trials=trials(everything),
    )


def over_seeds(frame: DataFrame, by: list[str], value: str) -> DataFrame:
    """Per group of `by`: mean, sd (ddof=1, missing for one seed) and n of `value`.

    A seed without a value leaves the mean missing: the mean of the others would favour whoever fails.
    """
    groups = frame.groupby(by, sort=False, dropna=False)[value]
    result = groups.agg(mean="mean", sd="std", n="size", known="count").reset_index()
    result.loc[result.known < result.n, ["mean", "sd"]] = float("nan")
    return result.drop(columns="known")


def means(frame: DataFrame, by: list[str], values: list[str]) -> DataFrame:
    """Per group of `by`: n, and the mean of each of `values`, missing where a seed lacks it, as in `over_seeds`."""
    groups = frame.groupby(by, sort=False)
    n = groups.size()
    known = groups[values].count().eq(n, axis=0)
    return groups[values].mean().where(known).assign(n=n).reset_index()


def _readable(found: Iterable[tuple[str, dict | records.DamagedRecord]]) -> Iterator[dict]:
    for _, record in found:
        if isinstance(record, dict):
            yield record
        else:
            warnings.warn(f"left out of the report: {record}", stacklevel=4)


def _place(record: dict) -> tuple:
    cell = record["cell"]
    return (
        cell["dataset"],
        cell["variant"],
        record["kind"],
        cell["repetition"] or 0,
        cell.get("trial") or 0,
        record["key"],
    )


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
