"""Quality at equal cost, and the cost of reaching a quality, both from the curves along training.

Between two measured points a curve is interpolated linearly on log axes (accuracy: against the log of the cost). It is
not extrapolated. Taking the last measured point before a cost would be unfair: points lie a factor of two apart, so it
would compare variants whose costs differ by up to a factor of two.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.intervals import bounds
from benchmarks.report.frames.rows import AXES

TARGETS = {"fid_ratio": (5.0, 2.0), "accuracy": (0.96,)}
WHAT = ["dataset", "task", "variant", "measure", "nfe"]
EQUAL = [*[*WHAT, "axis", "at", "n_seeds"], "mean", "sd", "ci_low", "ci_high", "nearest_measured"]
REACHED = [*[*WHAT, "axis", "target", "n_seeds", "n_reached"], *["median", "lowest", "highest"]]


def at_equal(frames: Frames, axis: str) -> DataFrame:
    """FID ratio at the curve's NFEs, and accuracy, of every variant at the largest cost that all of its task reached.

    axis: one of AXES.
    at: that cost, the same for all variants of a data set and task.
    nearest_measured: the measured point nearest to that cost, divided by it.
    A variant whose first point is beyond the cost has no value.
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
    """The cost at which each variant's curve first reaches a target, on every axis; infinite where it never does.

    Targets: FID ratio at most 5 and 2 at the curve's NFEs, accuracy at least 0.96.
    median, lowest, highest: over training seeds, so the median is finite where most of them reached the target.
    n_reached: number of seeds that did.
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
    """Points of every seed's curve, by cost: WHAT, repetition, cost, value, y (linear in log cost between points)."""
    fid = frames.fid_curve[frames.fid_curve.primary.eq(True)]
    fid = fid.assign(measure="fid_ratio", value=fid.fid_ratio)
    accuracy = frames.accuracy_curve.assign(measure="accuracy", nfe=np.nan, value=frames.accuracy_curve.accuracy)
    curves = pd.concat([part for part in (fid, accuracy) if len(part)] or [fid], ignore_index=True)
    curves = curves.assign(cost=curves[axis], task=curves.variant.map(frames.cells.groupby("variant").task.first()))
    curves = curves[curves.cost > 0]  # the untrained network cost nothing, and log 0 is not finite
    y = np.where(curves.measure == "fid_ratio", np.log(curves.value.clip(lower=1e-12)), curves.value)
    return curves.assign(y=y).sort_values("cost", kind="stable")


def _at(curve: DataFrame, cost: float) -> float:
    """The curve's value at a cost; NaN outside of the measured range."""
    y = float(np.interp(np.log(cost), np.log(curve.cost), curve.y, left=math.nan, right=math.nan))
    return math.exp(y) if curve.measure.iloc[0] == "fid_ratio" else y


def _first(curve: DataFrame, target: float) -> float:
    """The cost at which the curve first reaches the target; infinite if it never does."""
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
