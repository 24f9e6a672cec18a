"""The depth study: error and the loss's way down against the number of hidden layers, a line a series."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.caption import DASH, number, percent
from benchmarks.report.frames import Frames
from benchmarks.report.rows import VANISHED
from benchmarks.report.sheet import Sheet

COLUMNS = [
    *["dataset", "series", "n_hidden_layers", "n_seeds", "error", "error_sd", "error_worst", "train_flops"],
    *["gradient_ratio", "gradient_ratio_end", "saturated", "saturated_end"],
]


def depth(frames: Frames) -> DataFrame:
    """A row a data set, series and number of hidden layers, in the order of `COLUMNS`; empty without such variants.

    error: of the test split, mean, sd and worst over seeds. gradient_ratio: gradient norm of the lowest layer over that
    of the highest hidden one, a geometric mean over seeds, at the start of the last stage and at its end; saturated:
    the largest share among the layers, likewise.
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


def sheets(rows: DataFrame) -> list[Sheet]:
    """Error by series and depth, and what the layers show of it."""
    depths = sorted(rows.n_hidden_layers.unique())
    errors, layers = [], []
    for series, line in rows.groupby("series", sort=False):
        at = {row.n_hidden_layers: row for row in line.itertuples()}
        cells = {f"{n:g} layers": _error(at[n]) if n in at else DASH for n in depths}
        errors.append({"series": series} | cells)
        last = line.loc[line.n_hidden_layers.idxmax()]
        layers.append(
            {
                **{"series": series, "layers": f"{last.n_hidden_layers:g}"},
                **{
                    "gradient, lowest / highest": number(last.gradient_ratio),
                    "at the end": number(last.gradient_ratio_end),
                },
                **{"saturated": percent(last.saturated), "saturated at the end": percent(last.saturated_end)},
                "training FLOPs": number(last.train_flops),
            }
        )
    return [
        Sheet("Test error against depth", DataFrame(errors), ("mean ± sd over training seeds",)),
        Sheet(
            "The layers of the deepest networks",
            DataFrame(layers),
            (
                "gradient: norm of the supervised loss's gradient at the lowest hidden layer over that at the highest, "
                "at the start of supervised training, geometric mean over seeds; saturated: share of the values of "
                "units, in the worst layer; FLOPs include pre-training",
            ),
        ),
    ]


def _error(row) -> str:
    return percent(row.error, 2, row.error_sd)
