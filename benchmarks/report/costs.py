"""Readable tables of what training and sampling cost, and of the curves read at equal cost."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.caption import DASH, number, percent, plus_minus
from benchmarks.report.comparison import best
from benchmarks.report.intervals import half_shown
from benchmarks.report.sheet import Sheet, dense, detectable_line

UNITS = {"flops": "training FLOPs", "images": "training images", "seconds": "training seconds"}
FLAG = "!"


def training(rows: DataFrame) -> Sheet:
    """What training costs, one line a variant, whether or not it finished."""
    rows = rows.drop_duplicates("variant")
    lines = []
    for _, row in rows.iterrows():
        lines.append(
            {
                **{"variant": _flagged(row), "paradigm": row.title, "seeds": f"{row.n_seeds}"},
                **{"train FLOPs": number(row.train_flops), "train s": number(row.train_seconds)},
                "images/s, step": number(row.train_images_per_second),
                "images/s, end to end": number(row.train_end_to_end_images_per_second),
                **{"MFU": percent(row.train_mfu), "J/image": number(row.train_energy_joules_per_image)},
                "MiB init": number(mebibytes(row.peak_init_bytes)),
                "MiB train": number(mebibytes(row.peak_train_bytes)),
                **{"MiB evaluate": number(mebibytes(row.peak_evaluate_bytes)), "status": row.status},
            }
        )
    lines += detectable_line({"images/s, step": rows.train_images_per_second_mde.max()})
    notes = (
        "step: one update at a batch that lies ready; end to end: with the loader and the Trainer; MFU: executed FLOPs "
        "a second over the measured peak of a matrix product on the same device",
        *_flags(rows),
    )
    return Sheet("Cost of training", dense(lines), notes)


def sampling(rows: DataFrame) -> Sheet | None:
    """What sampling costs at the NFE with the lowest mean FID ratio."""
    lines = []
    for (_, sampler), line in rows.dropna(subset="sampler").groupby(["variant", "sampler"], sort=False):
        top = best(line)
        if top is None:
            continue
        p50 = top.latency_p50_ms if pd.notna(top.latency_p50_ms) else top.latency_ms_batch1
        lines.append(
            {
                **{"variant": _flagged(top), "sampler": sampler, "NFE": f"{top.nfe:g}"},
                "ms/image": number(top.sample_ms_per_image),
                **{"latency p50, ms": number(p50), "p90, ms": number(top.latency_p90_ms)},
                **{"efficiency": percent(top.sampler_efficiency), "FLOPs/sample": number(top.flops_per_sample)},
                **{"MFU": percent(top.mfu), "J/image": number(top.energy_joules_per_image)},
                **{"MiB": number(mebibytes(top.peak_sample_bytes)), "warm-up s": number(top.warmup_seconds)},
            }
        )
    if not lines:
        return None
    lines += detectable_line({"ms/image": rows.sample_ms_per_image_mde.max()})
    notes = (
        "ms/image: in batches; latency: of one image alone; efficiency: NFE times one evaluation's time over the "
        "sampler's, the rest is overhead",
        *_flags(rows),
    )
    return Sheet("Cost of sampling at the best NFE", dense(lines), notes)


def _flagged(row: Series) -> str:
    return f"{row.variant} {FLAG}" if isinstance(row.timing_flags, str) else row.variant


def _flags(rows: DataFrame) -> list[str]:
    flagged = rows.drop_duplicates("variant").dropna(subset="timing_flags")
    return [f"{FLAG} {row.variant}: {row.timing_flags}" for row in flagged.itertuples()]


def mebibytes(n_bytes: float) -> float:
    """Bytes as MiB; missing stays missing."""
    return n_bytes if pd.isna(n_bytes) else n_bytes / 2**20


def at_equal(table: DataFrame, axis: str) -> list[Sheet]:
    """One sheet a task: the values of `budgets.at_equal` side by side."""
    sheets = []
    for task, rows in table.groupby("task", sort=False):
        cells = {}
        for row in rows.itertuples():
            half = half_shown(row.mean, row.ci_low, row.ci_high)
            text = percent(row.mean, 1, half) if row.measure == "accuracy" else plus_minus(row.mean, half)
            cells.setdefault(row.variant, {"variant": row.variant})[_measure(row)] = text
        title = f"{task.capitalize()} at {number(rows['at'].iloc[0])} {UNITS[axis]}"
        sheets.append(Sheet(title, DataFrame(list(cells.values())).fillna(DASH)))
    return _noted(
        sheets,
        f"the most {UNITS[axis]} that every finished variant of the task has spent; between two measured points a line "
        f"on log axes; {DASH} where the first measured point lies beyond; ± half the 95 % t interval over seeds",
    )


def time_to_target(table: DataFrame) -> list[Sheet]:
    """One sheet an axis: the median over seeds, and how many of them met the target."""
    sheets = []
    note = (
        "median over training seeds, a seed that never got there counts as infinite; in brackets how many did, where "
        "not all; first crossing, between two measured points on a line on log axes"
    )
    for axis, rows in table.groupby("axis", sort=False):
        cells = {}
        for row in rows.itertuples():
            reached = f" ({row.n_reached} of {row.n_seeds})" if row.n_reached < row.n_seeds else ""
            text = ("∞" if math.isinf(row.median) else number(row.median)) + reached
            sign = "≥" if row.measure == "accuracy" else "≤"
            name = f"{_measure(row)} {sign} {row.target:g}"
            cells.setdefault(row.variant, {"variant": row.variant})[name] = text
        body = DataFrame(list(cells.values())).fillna(DASH)
        sheets.append(Sheet(f"{UNITS[axis].replace('t', 'T', 1)} to a quality", body))
    return _noted(sheets, note)


def _noted(sheets: list[Sheet], note: str) -> list[Sheet]:
    """The same note is about all, so it stands under the last."""
    return [*sheets[:-1], *(replace(sheet, notes=(note,)) for sheet in sheets[-1:])]


def _measure(row) -> str:
    return "accuracy" if row.measure == "accuracy" else f"FID ratio, {row.nfe:g} NFE"
