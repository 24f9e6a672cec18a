"""Quality at equal cost, and the cost of reaching a quality, both from the curves along training.

Between two measured points a curve is interpolated linearly on log axes (accuracy: against the log of the cost). It is
not extrapolated. Taking the last measured point before a cost would be unfair: points lie a factor of two apart, so it
would compare variants whose costs differ by up to a factor of two.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.intervals import bounds, half_width
from benchmarks.report.frames.rows import AXES

TARGETS = {"fid_ratio": (5.0, 2.0), "accuracy": (0.96,)}
SAME = 1.02  # ratio up to which two costs count as one: budgets are whole updates, so equal ones end a little apart
SEED = "repetition"
WHAT = ["dataset", "task", "variant", "measure", "nfe"]
EQUAL = [*[*WHAT, "axis", "at", "n_seeds"], "mean", "sd", "ci_low", "ci_high", "nearest_measured", "stage"]
PAIRED = ["dataset", "preset", "claim", "variant_a", "nfe_a", "variant_b", "nfe_b", "axis", "at", "n_seeds"]
PAIRED += ["ratio", "ci_low", "ci_high"]
REACHED = [*[*WHAT, "axis", "target", "n_seeds", "n_reached"], *["median", "lowest", "highest"]]


def at_equal(frames: Frames, axis: str) -> DataFrame:
    """FID ratio at the curve's NFEs, and accuracy, of every variant at the largest cost that all of its task reached.

    axis: one of AXES.
    at: that cost, the same for all variants of a data set and task.
    nearest_measured: the measured point nearest to that cost, divided by it.
    stage: the stage of training at that cost where it is earlier than the variant's last; then there is no value.
    A variant whose first point is beyond the cost has no value. On the axis of seconds, a variant without a timing cell
    that had the computer to itself is left out (`without_timing`).
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
        # Only between two points of the last stage is the curve that of what the variant is in the end.
        value = _at(curve[curve.last_stage.ne(False)], at)
        stage = _earlier_stage(curve, at) if math.isnan(value) else None
        rows.append(about | {"at": at, "value": value, "nearest_measured": nearest, "stage": stage})
    values = DataFrame(rows, columns=[*WHAT, "repetition", "at", "value", "nearest_measured", "stage"])
    table = over_seeds(values, [*WHAT, "at"], "value").rename(columns={"n": "n_seeds"})
    groups = values.groupby([*WHAT, "at"], dropna=False, sort=False)
    near = groups.agg(nearest_measured=("nearest_measured", "mean"), stage=("stage", "first")).reset_index()
    table = table.merge(near, on=[*WHAT, "at"])
    low, high = bounds(table["mean"], table.sd, table.n_seeds, 0)
    return _sorted(table.assign(axis=axis, ci_low=low, ci_high=high), EQUAL)


def pairs_at_equal(frames: Frames, axis: str) -> DataFrame:
    """The FID ratio of a over b of every declared pair, both read where the cheaper of them ended.

    axis: one of AXES.
    at: that cost, mean over the seeds that both have. ratio: geometric mean over these seeds, with a 95 % t interval.
    Left out are pairs with an NFE that the curves lack, and seeds of which one has no value in its last stage there.
    """
    curves = _curves(frames, axis)
    curves = curves[curves.measure.eq("fid_ratio") & curves.last_stage.ne(False)]
    rows = []
    for dataset, (preset, pair) in product(frames.datasets, frames.pairs):
        sides = {"a": (pair.a, pair.nfe), "b": (pair.b, pair.nfe_b or pair.nfe)}
        own = [
            dict(list(curves[curves.dataset.eq(dataset) & curves.variant.eq(name) & curves.nfe.eq(nfe)].groupby(SEED)))
            for name, nfe in sides.values()
        ]
        ends = {seed: min(side[seed].cost.max() for side in own) for seed in own[0].keys() & own[1].keys()}
        logs = {seed: math.log(_at(own[0][seed], at) / _at(own[1][seed], at)) for seed, at in ends.items()}
        known = Series(logs, dtype=float).dropna()
        if len(known):
            half = half_width(known.std(), len(known))
            row = {"dataset": dataset, "preset": preset, "claim": pair.claim, "axis": axis, "n_seeds": len(known)}
            for side, (name, nfe) in sides.items():
                row |= {f"variant_{side}": name, f"nfe_{side}": nfe}
            row |= {"at": np.mean([ends[seed] for seed in known.index]), "ratio": np.exp(known.mean())}
            rows.append(row | {"ci_low": np.exp(known.mean() - half), "ci_high": np.exp(known.mean() + half)})
    return DataFrame(rows, columns=PAIRED)


def without_timing(frames: Frames) -> DataFrame:
    """dataset and variant of those with a curve whose training seconds are unknown: no timing cell was alone."""
    curves = pd.concat([frames.fid_curve, frames.accuracy_curve])[["dataset", "variant", "seconds"]]
    known = curves.groupby(["dataset", "variant"]).seconds.count()
    return known[known == 0].reset_index()[["dataset", "variant"]]


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
    """The curve's value at a cost; NaN outside of the measured range, but for what counts as the same cost."""
    if curve.empty:
        return math.nan
    first, last = curve.cost.iloc[0], curve.cost.iloc[-1]
    if not first / SAME <= cost <= last * SAME:
        return math.nan
    y = float(np.interp(np.log(cost), np.log(curve.cost), curve.y))
    return math.exp(y) if curve.measure.iloc[0] == "fid_ratio" else y


def _earlier_stage(curve: DataFrame, cost: float) -> str | None:
    """The stage that training was in at a cost where that is not the last one; None otherwise."""
    before = curve[curve.cost <= cost]
    return before.stage.iloc[-1] if len(before) and before.last_stage.iloc[-1] is False else None


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
