"""An A/A study: the same code as two arms, whose difference is noise. It gives the smallest detectable difference.

Any results folder with enough repetitions of a variant is one. Even repetitions are arm A, odd ones arm B, so the arms
are interleaved in time. Preset: `benchmarks/plan/presets/aa.toml`.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame
from scipy.special import stdtrit

from benchmarks.errors import BadInput, one_line
from benchmarks.report.frames.columns import HEADLINE
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import LEVEL, detectable

MIN_RUNS = 10  # five per arm: with fewer the estimate of the noise is itself too noisy
REFERENCE = Path(__file__).parents[3] / "results" / "reference" / "aa"
KEY = ["dataset", "task", "variant", "sampler", "nfe", "column"]
COLUMNS = [
    *[*KEY, "n", "mean", "sd", "cv", "mean_a", "mean_b"],
    *["difference", "difference_ci_low", "difference_ci_high", "inside", "machine"],
]
PER_LAUNCH = ["train_images_per_second", "sample_ms_per_image"]


def study(frames: Frames) -> DataFrame:
    """One row per headline column, variant, sampler and NFE with at least MIN_RUNS runs.

    n, mean, sd, cv: over all runs of both arms; cv is sd / mean.
    difference: (mean of arm B - mean of arm A) / mean of all, with Student's 95 % interval from the pooled variance.
    inside: whether that interval includes 0, as it should in 19 of 20 cases.
    """
    runs = _runs(frames)
    counts = runs.groupby(KEY, dropna=False).value.transform("count")
    rows = [
        {**dict(zip(KEY, key, strict=True)), **_arms(group), "machine": _machine(frames)}
        for key, group in runs[counts >= MIN_RUNS].groupby(KEY, dropna=False)
    ]
    table = DataFrame(rows, columns=COLUMNS)
    rank = table.column.map(HEADLINE.index) if len(table) else table.column
    return table.assign(rank=rank).sort_values(["dataset", "rank", *KEY], ignore_index=True).drop(columns="rank")


def _runs(frames: Frames) -> DataFrame:
    """Every run's value of every headline column: KEY, repetition, value."""
    cells = frames.cells[frames.cells.status == "done"]
    tables = {"fid_ratio": frames.samples, "fid2_ratio": frames.samples, "sample_ms_per_image": frames.timing}
    tables["accuracy"] = cells[cells.kind == "quality"].assign(sampler=None, nfe_asked=np.nan)
    tables["train_images_per_second"] = cells[cells.kind == "timing"].assign(sampler=None, nfe_asked=np.nan)
    tasks = frames.cells.groupby("variant").task.first()
    parts = []
    for column, table in tables.items():
        part = table.assign(column=column, value=table[column], nfe=table.nfe_asked, task=table.variant.map(tasks))
        parts.append(part[[*KEY, "repetition", "value"]].dropna(subset="value"))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _arms(group: DataFrame) -> dict:
    a, b = (group.value[group.repetition % 2 == arm] for arm in (0, 1))
    mean, freedom = group.value.mean(), len(group) - 2
    variance = ((len(a) - 1) * a.var() + (len(b) - 1) * b.var()) / freedom
    error = (variance * (1 / len(a) + 1 / len(b))) ** 0.5
    difference, half = b.mean() - a.mean(), stdtrit(freedom, (1 + LEVEL) / 2) * error
    return {
        **{"n": len(group), "mean": mean, "sd": group.value.std(), "cv": group.value.std() / abs(mean)},
        **{"mean_a": a.mean(), "mean_b": b.mean(), "difference": difference / abs(mean)},
        **{"difference_ci_low": (difference - half) / abs(mean), "difference_ci_high": (difference + half) / abs(mean)},
        "inside": bool(abs(difference) <= half),
    }


def _machine(frames: Frames) -> str:
    return ", ".join(sorted(set(frames.cells.machine.dropna())))


def noise(frames: Frames, requested: Path | None = None) -> DataFrame:
    """The A/A study that a report takes its minimum detectable effects from; empty where there is none.

    requested: a results folder with a study; None for the folder's own if it is a study itself, else that of the folder
    "aa" beside it, else the committed one. One of these that is damaged is left out with a warning that names it.
    Raises BadInput where `requested` holds none, or a damaged one.
    """
    own = study(frames)
    if requested is None and len(own):
        return own
    for folder in [requested] if requested else [frames.folder.resolve().parent / "aa", REFERENCE]:
        path = folder / "tables" / "aa.csv"
        if path.is_file():
            try:
                return _read(path)
            except BadInput as error:
                if requested:
                    raise
                warnings.warn(f"left out of the report: {error}", stacklevel=3)
        if requested:
            raise BadInput(f"--aa {requested}: no tables/aa.csv there; make it with: python -m benchmarks run aa")
    return own


def _read(path: Path) -> DataFrame:
    again = f"write it again with: report {path.parents[1]}"
    try:
        table = pd.read_csv(path)
        if missing := sorted({*KEY, "n", "cv"} - set(table.columns)):
            raise ValueError(f"lacks the column {missing[0]!r}")
        numbers = {name: pd.to_numeric(table[name]) for name in ("nfe", "n", "cv")}
        if not (numbers["n"].gt(1) & numbers["cv"].ge(0)).all():
            raise ValueError("has a row without a number of runs above 1 and a coefficient of variation")
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise BadInput(f"A/A study {path}: {one_line(error)}; {again}") from None
    return table.assign(**numbers)


def with_detectable(rows: DataFrame, noise: DataFrame) -> DataFrame:
    """`rows` of a comparison with a column NAME_mde per headline column: relative to the mean, for the row's own n."""
    found = {}
    for column in HEADLINE:
        n = rows.n_launches if column in PER_LAUNCH else rows.n_seeds
        about = zip(rows.dataset, rows.task, rows.nfe, n, rows[column], strict=True)
        found[f"{column}_mde"] = [
            smallest(noise, column, dataset, task, nfe, runs) if pd.notna(value) else np.nan
            for dataset, task, nfe, runs, value in about
        ]
    return rows.assign(**found)


def smallest(noise: DataFrame, column: str, dataset: str, task: str, nfe: float, n: int) -> float:
    """The minimum detectable effect, relative to the mean, between two rows of `n` runs each; NaN where it is unknown.

    It is computed from the study's row for the data set and column, of the task if it has any, at the nearest NFE; of
    several samplers there the one with the largest coefficient of variation.
    """
    rows = noise[(noise.dataset == dataset) & (noise.column == column)]
    rows = rows[rows.task == task] if (rows.task == task).any() else rows
    if pd.notna(nfe) and rows.nfe.notna().any():
        distance = (np.log2(rows.nfe.astype(float)) - np.log2(nfe)).abs()
        rows = rows[distance == distance.min()]
    if rows.empty or pd.isna(n):
        return np.nan
    row = rows.loc[rows.cv.idxmax()]
    return detectable(row.cv, int(n), int(row.n) - 1)
