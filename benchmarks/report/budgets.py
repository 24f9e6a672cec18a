"""The same runs read at equal cost, and the cost of reaching a quality, both from the curves along training.

Between two measured points a curve is a straight line on log axes (accuracy: against the log of the cost); beyond its
first and last point there is nothing. The last point not beyond a cost would be the wrong choice here: points lie a
factor of two apart, so it would compare up to twice the cost with up to half of it.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames import Frames, over_seeds
from benchmarks.report.intervals import bounds
from benchmarks.report.rows import AXES

TARGETS = {"fid_ratio": (5.0, 2.0), "accuracy": (0.96,)}
WHAT = ["dataset", "task", "variant", "measure", "nfe"]
EQUAL = [*[*WHAT, "axis", "at", "n_seeds"], "mean", "sd", "ci_low", "ci_high", "nearest_measured"]
REACHED = [*[*WHAT, "axis", "target", "n_seeds", "n_reached"], *["median", "lowest", "highest"]]


def at_equal(frames: Frames, axis: str) -> DataFrame:
    """FID ratio at the curve's NFEs, and accuracy, of every variant at the largest cost that all of its task reached.

    axis: one of AXES. at: that cost, the same for all variants of a data set and task. nearest_measured: the measured
    point nearest to it, over it. A variant whose first point is beyond the cost has no value.
    """
    curves = _curves(frames, axis)
    ends = curves.groupby([*WHAT[:3], "repetition"], dropna=False).cost.max()
    common = ends.groupby(["dataset", "task"]).min().rename("at")
    rows = []
    for key, curve in curves.groupby([*WHAT, "repetition"], dropna=False):
        about = dict(zip([*WHAT, "repetition"], key, strict=True))
        at = common[about["dataset"], about["task"]]
        distance = np.abs(np.log(curve.cost / at))
        nearest = curve.cost.loc[distance.idxmin()] / at
        rows.append(about | {"at": at, "value": _at(curve, at), "nearest_measured": nearest})
    values = DataFrame(rows, columns=[*WHAT, "repetition", "at", "value", "nearest_measured"])
    table = over_seeds(values, [*WHAT, "at"], "value").rename(columns={"n": "n_seeds"})
    near = values.groupby([*WHAT, "at"], dropna=False, sort=False).nearest_measured.mean().reset_index()
    table = table.merge(near, on=[*WHAT, "at"])
    low, high = bounds(table["mean"], table.sd, table.n_seeds, 0)
    return _sorted(table.assign(axis=axis, ci_low=low, ci_high=high), EQUAL)


def time_to_target(frames: Frames) -> DataFrame:
    """What each variant spent until its curve first met a target, on every axis; a miss is infinite.

    Targets: FID ratio at most 5 and 2 at the curve's NFEs, accuracy at least 0.96. median, lowest, highest: over the
    training seeds, so the median is finite where most of them met it. n_reached: how many did.
    """
    rows = []
    for axis in AXES:
        for key, curve in _curves(frames, axis).groupby([*WHAT, "repetition"], dropna=False):
            about = dict(zip([*WHAT, "repetition"], key, strict=True))
            for target in TARGETS[about["measure"]]:
                rows.append(about | {"axis": axis, "target": target, "cost": _first(curve, target)})
    costs = DataFrame(rows, columns=[*WHAT, "repetition", "axis", "target", "cost"])
    groups = costs.groupby([*WHAT, "axis", "target"], dropna=False, sort=False).cost
    table = groups.agg(
        n_seeds="size",
        n_reached=lambda cost: int(np.isfinite(cost).sum()),
        median=_median,
        lowest="min",
        highest="max",
    )
    return _sorted(table.reset_index(), REACHED)


def _curves(frames: Frames, axis: str) -> DataFrame:
    """Points of every seed's curve, sorted: WHAT, repetition, cost, value, y (what is a line against log cost)."""
    fid = frames.fid_curve[frames.fid_curve.primary.eq(True)]
    fid = fid.assign(measure="fid_ratio", value=fid.fid_ratio)
    accuracy = frames.accuracy_curve.assign(measure="accuracy", nfe=np.nan, value=frames.accuracy_curve.accuracy)
    curves = pd.concat([part for part in (fid, accuracy) if len(part)] or [fid], ignore_index=True)
    curves = curves.assign(cost=curves[axis], task=curves.variant.map(frames.cells.groupby("variant").task.first()))
    curves = curves[curves.cost > 0]  # the untrained network cost nothing and has no place on a log axis
    y = np.where(curves.measure == "fid_ratio", np.log(curves.value.clip(lower=1e-12)), curves.value)
    return curves.assign(y=y).sort_values("cost", kind="stable")


def _at(curve: DataFrame, cost: float) -> float:
    """The curve's value at a cost, NaN outside of what was measured."""
    y = float(np.interp(np.log(cost), np.log(curve.cost), curve.y, left=math.nan, right=math.nan))
    return math.exp(y) if curve.measure.iloc[0] == "fid_ratio" else y


def _first(curve: DataFrame, target: float) -> float:
    """The cost at which the curve first meets the target: infinite if never, the first point's if it is met there."""
    fid, curve = curve.measure.iloc[0] == "fid_ratio", curve.dropna(subset="y")
    gap = curve.y.to_numpy(float) - (math.log(target) if fid else target)
    met = gap <= 0 if fid else gap >= 0
    if not met.any():
        return math.inf
    index = int(met.argmax())
    x = np.log(curve.cost.to_numpy(float))
    if index == 0:
        return math.exp(x[0])
    share = gap[index - 1] / (gap[index - 1] - gap[index])
    return math.exp(x[index - 1] + share * (x[index] - x[index - 1]))


def _median(costs: pd.Series) -> float:
    """The middle of the costs; of an even number the mean of the two, which is infinite where the upper one is."""
    ordered = sorted(costs)
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    return sum(middle) / len(middle)


def _sorted(table: DataFrame, columns: list[str]) -> DataFrame:
    keys = [name for name in ("dataset", "task", "axis", "measure", "nfe", "target", "variant") if name in columns]
    return table[columns].sort_values(keys, na_position="first", ignore_index=True)
