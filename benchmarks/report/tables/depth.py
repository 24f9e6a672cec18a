"""The depth study: test error by series and depth, and the gradients and activations of the deepest networks."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.formats import DASH, number, percent
from benchmarks.report.frames.depth import depth
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "depth", 10
NOTE = (
    "gradient: norm of the supervised loss's gradient at the lowest hidden layer, over that at the highest, at the "
    "start and at the end of supervised training; geometric mean over seeds. saturated: share of saturated activations "
    "in the worst layer. FLOPs include pre-training."
)


def data(frames: Frames, comparison: DataFrame) -> DataFrame | None:
    """One row per data set, series and number of hidden layers."""
    table = depth(frames)
    return table if len(table) else None


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """Error by series and depth; then gradients and activations of each series' deepest network."""
    depths = sorted(rows.n_hidden_layers.unique())
    errors, layers = [], []
    for series, line in rows.groupby("series", sort=False):
        at = {row.n_hidden_layers: row for row in line.itertuples()}
        cells = {f"{n:g} layers": percent(at[n].error, 2, at[n].error_sd) if n in at else DASH for n in depths}
        errors.append({"series": series} | cells)
        last = line.loc[line.n_hidden_layers.idxmax()]
        layers.append(
            {
                **{"series": series, "layers": f"{last.n_hidden_layers:g}"},
                "gradient, lowest / highest": number(last.gradient_ratio),
                "at the end": number(last.gradient_ratio_end),
                **{"saturated": percent(last.saturated), "saturated at the end": percent(last.saturated_end)},
                "training FLOPs": number(last.train_flops),
            }
        )
    return [
        Sheet("Test error against depth", DataFrame(errors), ("Mean ± sd over training seeds; lower is better.",)),
        Sheet("The layers of the deepest networks", DataFrame(layers), (NOTE,)),
    ]
