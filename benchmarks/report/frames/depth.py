"""The depth study: test error and gradient norms against the number of hidden layers, per series."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.rows import VANISHED

COLUMNS = [
    *["dataset", "series", "n_hidden_layers", "n_seeds", "error", "error_sd", "error_worst", "train_flops"],
    *["gradient_ratio", "gradient_ratio_end", "saturated", "saturated_end"],
]


def depth(frames: Frames) -> DataFrame:
    """One row per data set, series and number of hidden layers, with the columns COLUMNS; empty without such variants.

    error, error_sd, error_worst: test error, over training seeds.
    gradient_ratio: gradient norm of the lowest hidden layer over that of the highest, geometric mean over seeds, at the
    start of the last stage; gradient_ratio_end: at its end.
    saturated, saturated_end: share of saturated units in the worst layer, likewise.
    """
    found = [_measured(frames.of(dataset), dataset) for dataset in frames.datasets]
    found = [table for table in found if len(table)]
    return pd.concat(found, ignore_index=True) if found else DataFrame(columns=COLUMNS)


def _measured(frames: Frames, dataset: str) -> DataFrame:
    done = frames.cells[(frames.cells.kind == "quality") & (frames.cells.status == "done")]
    done = done[done.series.notna() & done.n_hidden_layers.notna()]
    if done.empty:
        return DataFrame(columns=COLUMNS)
    groups = done.assign(error=1 - done.accuracy).groupby(["series", "n_hidden_layers"], sort=False)
    table = groups.agg(
        n_seeds=("error", "size"),
        error=("error", "mean"),
        error_sd=("error", "std"),
        error_worst=("error", "max"),
        train_flops=("train_flops", "mean"),
        gradient_ratio=("gradient_ratio", _geometric),
        gradient_ratio_end=("gradient_ratio_end", _geometric),
        saturated=("saturated", "mean"),
        saturated_end=("saturated_end", "mean"),
    )
    return table.reset_index().assign(dataset=dataset)[COLUMNS]


def _geometric(values: Series) -> float:
    return float(np.exp(np.log(values.clip(lower=VANISHED)).mean()))
