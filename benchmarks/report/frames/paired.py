"""Paired tests of recognisers: all are tested on the same images, so their errors are compared image by image."""

from __future__ import annotations

import itertools

import numpy as np
from pandas import DataFrame

from benchmarks.report.frames.frames import Frames
from benchmarks.statistics import mcnemar

COLUMNS = [
    *["dataset", "variant_a", "variant_b", "n_seeds", "accuracy_difference", "only_a_right", "only_b_right"],
    *["p_value", "p_value_holm"],
]


def paired(frames: Frames) -> DataFrame:
    """One row per pair of variants that kept their predictions: McNemar's exact test, combined over training seeds.

    only_a_right, only_b_right: test images per seed, mean over seeds. p_value: twice the median of the seeds' p values,
    at most 1 (the p value itself for one seed), which is valid however the seeds depend on each other (Meinshausen,
    Meier and Buehlmann 2009, eq. 2.2 at gamma = 1/2); counts are not pooled, since every seed is tested on the same
    images. p_value_holm: corrected for the number of pairs of the data set (Holm 1979).
    """
    cells = frames.cells[(frames.cells.kind == "quality") & frames.cells.correct.notna()]
    rows = []
    for dataset, group in cells.groupby("dataset"):
        kept = {name: variant.set_index("repetition").correct for name, variant in group.groupby("variant")}
        pairs = [_pair(a, b, kept[a], kept[b]) for a, b in itertools.combinations(frames.ordered(kept), 2)]
        pairs = [pair for pair in pairs if pair]
        for pair, p_value in zip(pairs, holm([pair["p_value"] for pair in pairs]), strict=True):
            rows.append({"dataset": dataset} | pair | {"p_value_holm": p_value})
    return DataFrame(rows, columns=COLUMNS)


def _pair(a: str, b: str, correct_a, correct_b) -> dict | None:
    seeds = [seed for seed in correct_a.index.intersection(correct_b.index) if _same_length(correct_a, correct_b, seed)]
    if not seeds:
        return None
    tests = [mcnemar(correct_a[seed], correct_b[seed]) for seed in seeds]
    only_a, only_b = (float(np.mean([test[side] for test in tests])) for side in "bc")
    median = float(np.median([test["p_value"] for test in tests]))
    return {
        **{"variant_a": a, "variant_b": b, "n_seeds": len(seeds)},
        "accuracy_difference": (only_a - only_b) / len(correct_a[seeds[0]]),
        **{"only_a_right": only_a, "only_b_right": only_b},
        "p_value": median if len(seeds) == 1 else min(1.0, 2 * median),
    }


def _same_length(correct_a, correct_b, seed) -> bool:
    return len(correct_a[seed]) == len(correct_b[seed])


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down correction, in the order given."""
    if not p_values:
        return []
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(len(p_values))
    corrected[order] = np.maximum.accumulate([(len(p_values) - rank) * p_values[i] for rank, i in enumerate(order)])
    return np.minimum(corrected, 1).tolist()
