"""The frames: one row per observation, one column per fact; a missing value stays missing.

Everything in the report is computed from these frames, and they from the records alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from pandas import DataFrame

from benchmarks.report.frames.looks import NamedLook
from benchmarks.report.frames.pairs import DeclaredPair


@dataclass(frozen=True)
class Frames:
    """The records of a results folder as tables; `trials` has every trial, the others the chosen ones alone.

    folder: the results folder.
    cells: one row per record that scores or times.
    samples: one row per training seed, sampler and NFE.
    timing: one row per timing launch, sampler and NFE.
    draws: FID ratios of further draws of samples from one trained network, with other sampling seeds.
    accuracy_curve, fid_curve: points along training.
    loss: loss curves, with the FLOPs spent by then.
    chains: nested measurements (`quality` of the record) of each finished quality cell, for figures of the chain.
    trials: one row per trial.
    marks: one row per mark of a training seed: why its samples are no fair entry in a comparison.
    looks: name of a variant, series or family of chains -> its look, the same in every figure of the folder.
    names: variant -> its display name; series and families of chains are called by their own names.
    left_out: further variants of the data set, which a caption must mention.
    pairs: the pairs of variants that the records' presets compare by their FIDs.
    """

    folder: Path
    cells: DataFrame
    samples: DataFrame
    timing: DataFrame
    draws: DataFrame
    accuracy_curve: DataFrame
    fid_curve: DataFrame
    loss: DataFrame
    chains: DataFrame
    trials: DataFrame
    marks: DataFrame
    looks: dict[str, NamedLook] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    pairs: tuple[DeclaredPair, ...] = ()

    def of(self, dataset: str) -> Frames:
        """The same frames, one data set's rows only."""
        return replace(self, **{name: frame[frame.dataset == dataset] for name, frame in self._tables().items()})

    def without_series(self) -> Frames:
        """The same frames without the variants that are points of a series."""
        return self.only(self.cells.variant[self.cells.series.isna()])

    def only(self, variants: Iterable[str]) -> Frames:
        """The same frames, some variants' rows only; the others are `left_out`."""
        kept = set(variants)
        parts = {name: frame[frame.variant.isin(kept)] for name, frame in self._tables().items()}
        others = {*self.left_out, *self.cells.variant} - kept
        return replace(self, **parts, left_out=tuple(sorted(others)))

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
