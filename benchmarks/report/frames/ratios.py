"""Paired ratios: the FID of one variant over that of another, seed by seed, with an interval and corrected p values."""

from __future__ import annotations

import math

import numpy as np
from pandas import DataFrame, Series
from scipy.special import stdtr

from benchmarks.report.frames import choice
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_width
from benchmarks.report.frames.paired import holm
from benchmarks.report.frames.pairs import DeclaredPair

LEVEL = 0.05  # of a corrected p value that settles the order of two variants
LOWER, HIGHER, SUGGESTIVE, UNDECIDED = "lower", "higher", "suggestive", "undecided"
FACT = "a fact by three views"
FIDS = {"ratio": "fid_ratio", "ratio2": "fid2_ratio"}  # column of the table -> column of samples that it divides
THIRD = {"ratio3": "fid3_ratio"}  # by random features, which no outcome depends on
VIEWS = {"first": "ratio", "second": "ratio2", "third": "ratio3"}  # extractor in words -> its column of the table
FAMILY = ["dataset", "preset"]
SIDES = [f"{name}_{side}" for side in "ab" for name in ("variant", "sampler", "nfe", *FIDS.values())]
TEST = [f"{name}{part}" for name in FIDS for part in ("", "_ci_low", "_ci_high", "_p_value", "_p_value_holm")]
MORE = [*["fid3_ratio_a", "fid3_ratio_b"], *["ratio3", "ratio3_ci_low", "ratio3_ci_high", "ratio3_p_value"], "views"]
COLUMNS = [*FAMILY, "claim", *SIDES, "n_seeds", *TEST, "outcome", *MORE]


def ratios(frames: Frames) -> DataFrame:
    """One row per data set and declared pair of which both variants have samples of the same training seed.

    fid_ratio_a, fid_ratio_b: means over the paired seeds. ratio: geometric mean over seeds of a's FID over b's, whose
    equal floors cancel. ratio_ci_low, ratio_ci_high: 95 % t interval on the logarithmic scale. ratio_p_value: two-sided
    t test of a ratio of 1. ratio_p_value_holm: corrected for the pairs of the preset (Holm 1979). ratio2 and fid2_ratio
    are by the second extractor, ratio3 and fid3_ratio by random features, without a correction. outcome: see `outcome`.
    views: see `views`. Without a second seed there is neither interval nor p value.
    """
    rows = [_row(frames.of(dataset).samples, pair) for dataset in frames.datasets for pair in frames.pairs]
    table = DataFrame([row for row in rows if row], columns=COLUMNS)
    for name in FIDS:
        for _, family in table.groupby(FAMILY):
            tested = family[f"{name}_p_value"].dropna()
            table.loc[tested.index, f"{name}_p_value_holm"] = holm(tested.tolist())
    lines = [row for _, row in table.iterrows()]
    return table.assign(outcome=[outcome(row) for row in lines], views=[views(row) for row in lines])


def outcome(row: Series) -> str:
    """What a row settles about a's FID against b's.

    "lower" or "higher": by both extractors the interval excludes 1 on that side and the corrected p value is below
    0.05. "suggestive": the interval excludes 1 by at least one extractor, and on no other side by the other one.
    "undecided": otherwise, such as with one seed.
    """
    sides = {name: _side(row, name) for name in FIDS}
    found = set(sides.values()) - {UNDECIDED}
    if len(found) != 1:
        return UNDECIDED
    settled = all(side != UNDECIDED and row[f"{name}_p_value_holm"] < LEVEL for name, side in sides.items())
    return found.pop() if settled else SUGGESTIVE


def views(row: Series) -> str | None:
    """FACT where the intervals by all three networks exclude 1 on one side; else what each says, such as "lower by the
    first, third; undecided by the second"; None where the samples were not scored by all three."""
    if row[list(VIEWS.values())].isna().any():
        return None
    said: dict[str, list[str]] = {}
    for name, column in VIEWS.items():
        said.setdefault(_side(row, column), []).append(name)
    if len(said) == 1 and UNDECIDED not in said:
        return FACT
    return "; ".join(f"{side} by the {', '.join(names)}" for side, names in said.items())


def _side(row: Series, name: str) -> str:
    low, high = row[f"{name}_ci_low"], row[f"{name}_ci_high"]
    return LOWER if high < 1 else HIGHER if low > 1 else UNDECIDED


def _row(samples: DataFrame, declared: DeclaredPair) -> dict | None:
    """The row of one pair on the samples of one data set; None where a variant has none, or no seed has both."""
    preset, pair = declared
    a = _chosen(samples, pair.a, pair.nfe, pair.sampler_a)
    b = _chosen(samples, pair.b, pair.nfe_b or pair.nfe, pair.sampler_b)
    seeds = a.index.intersection(b.index)
    if seeds.empty:
        return None
    row = {"dataset": samples.dataset.iloc[0], "preset": preset, "claim": pair.claim, "n_seeds": len(seeds)}
    for side, entries in {"a": a.loc[seeds], "b": b.loc[seeds]}.items():
        first = entries.iloc[0]
        row |= {f"variant_{side}": first.variant, f"sampler_{side}": first.sampler, f"nfe_{side}": int(first.nfe_asked)}
        row |= {f"{name}_{side}": entries[name].mean(skipna=False) for name in (FIDS | THIRD).values()}
    for name, fid in (FIDS | THIRD).items():
        row |= _test(np.log(a[fid][seeds] / b[fid][seeds]), name)
    return row


def _chosen(samples: DataFrame, variant: str, nfe: int | str, sampler: str | None) -> DataFrame:
    """The entries of a variant by training seed, at the best sampler and NFE of those that the pair leaves open: with
    the lowest mean FID to the validation split, or to the test split where records lack the former (`frames.choice`).
    The mean is over all seeds of the variant and by the first extractor."""
    allowed = samples.variant.eq(variant) & (nfe == "best" or samples.nfe_asked.eq(nfe))
    entries = samples[allowed & (sampler is None or samples.sampler.eq(sampler))]
    columns = [choice.TEST, choice.VALIDATION]
    means = entries.groupby(["sampler", "nfe_asked"])[columns].agg(lambda values: values.mean(skipna=False))
    means = means.dropna(subset=choice.TEST)
    if means.empty:
        return samples.iloc[:0].set_index("repetition")
    best_sampler, best_nfe = means[choice.criterion(means)].idxmin()
    return entries[entries.sampler.eq(best_sampler) & entries.nfe_asked.eq(best_nfe)].set_index("repetition")


def _test(logs: Series, name: str) -> dict:
    """Ratio, interval and p value from one log ratio per seed; missing where one of the seeds has none."""
    n, mean, sd = len(logs), logs.mean(skipna=False), logs.std(skipna=False)
    half = half_width(sd, n)
    t = abs(mean) / sd * math.sqrt(n) if sd > 0 else math.nan
    return {
        **{name: np.exp(mean), f"{name}_ci_low": np.exp(mean - half), f"{name}_ci_high": np.exp(mean + half)},
        f"{name}_p_value": 2 * stdtr(n - 1, -t) if n > 1 else math.nan,
    }
