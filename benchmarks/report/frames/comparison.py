"""The comparison: one row per data set, variant, sampler and NFE; means and 95 % intervals over training seeds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames import aa, columns, marks
from benchmarks.report.frames.columns import SPEEDS
from benchmarks.report.frames.frames import Frames, means, over_seeds
from benchmarks.report.frames.intervals import bounds
from benchmarks.report.frames.rows import LIKELIHOOD, REACH
from benchmarks.statistics import wilson

SERIES = ["dataset", "variant", "sampler"]
# Columns of which a variant has one mean over its training seeds, and over its timing launches.
LEARNED = [
    *["accuracy", "train_flops", "train_seconds", "calibration_error", "linear_probe_accuracy", "knn_accuracy"],
    *[*LIKELIHOOD, *REACH, "mismatch_amplification"],
]
LAUNCHED = [
    *["train_images_per_second", "peak_train_bytes", "train_end_to_end_images_per_second", "train_mfu"],
    *["train_energy_joules_per_image", "peak_init_bytes", "peak_evaluate_bytes"],
    *["matmul_peak_flops_per_second", "convolution_peak_flops_per_second"],
]


def comparison(frames: Frames, noise: DataFrame | None = None) -> DataFrame:
    """Rows: recognition first, then generation; by variant, sampler and NFE. A variant that failed keeps a row.

    noise: the A/A study that minimum detectable effects are computed from; None for the one that `aa.noise` finds.
    """
    noise = aa.noise(frames) if noise is None else noise
    variants = DataFrame([_variant(cells) for _, cells in frames.cells.groupby(["dataset", "variant"])])
    rows = variants.merge(_sampled(frames), on=["dataset", "variant"], how="left")
    rows["n_seeds"] = rows.n_seeds.where(rows.n.isna(), rows.n)
    rows = marks.with_marks(rows, frames.marks)
    order = ["dataset", "later", "variant", "sampler", "nfe"]
    rows = rows.sort_values(order, na_position="first", ignore_index=True)
    rows = aa.with_detectable(rows, noise)[columns.of_comparison()]
    return rows.assign(**{name: rows[name].astype("float64").round().astype("Int64") for name in columns.counts()})


def _variant(cells: DataFrame) -> dict:
    """The columns that all rows of a variant share: its facts, the cost of its training, and how its cells ended."""
    quality, timing = cells[cells.kind == "quality"], cells[cells.kind == "timing"]
    done, timed = quality[quality.status == "done"], timing[timing.status == "done"]
    first = cells.iloc[0]
    return {
        **{name: first[name] for name in ("dataset", "variant", "title", "era")},
        "paradigm": Path(first.paradigm).stem,
        "task": first.task,
        "later": first.task != "recognition",
        "n_seeds": len(done),
        "n_launches": len(timed),
        **{name: done[name].mean(skipna=False) for name in LEARNED},
        **_accuracy(done),
        **_squared_error(done.squared_error),
        "mismatch_reason": _words(done.mismatch_reason),
        **{name: timed[name].mean() for name in LAUNCHED},
        "timing_exclusive": bool(timed.exclusive.all()) if len(timed) else None,
        "timing_flags": _words(timed.timing_flags),
        "status": _status(quality, timing),
        "reason": "; ".join(cells.reason.dropna().unique()) or None,
    }


def _accuracy(done: DataFrame) -> dict:
    """Two 95 % intervals of the accuracy: over training seeds, and over test splits of the same size."""
    mean, sd = done.accuracy.mean(skipna=False), done.accuracy.std()
    low, high = bounds(mean, sd, len(done), 0, 1)
    tested = done.n_test.min()
    known = not (pd.isna(mean) or pd.isna(tested))
    # Every seed is tested on the same images, so more seeds do not enlarge the test split.
    binomial = wilson(round(mean * tested), int(tested)) if known else (None, None)
    return {
        "accuracy_sd": sd,
        "accuracy_ci_low": low,
        "accuracy_ci_high": high,
        **dict(zip(("accuracy_binomial_low", "accuracy_binomial_high"), binomial, strict=True)),
    }


def _squared_error(errors: pd.Series) -> dict:
    mean = errors.mean(skipna=False)
    low, high = bounds(mean, errors.std(), len(errors), 0)
    return {"squared_error": mean, "squared_error_ci_low": low, "squared_error_ci_high": high}


def _words(texts: pd.Series) -> str | None:
    return "; ".join(dict.fromkeys(texts.dropna())) or None


def _status(quality: DataFrame, timing: DataFrame) -> str:
    ended = sorted(set(quality.status) - {"done"})
    n_done = int((quality.status == "done").sum())
    status = "done" if not ended else ", ".join(ended)
    if ended and n_done:
        status = f"{n_done} of {len(quality)} done: {status}"
    if quality.empty:
        status = "not run"
    untimed = sorted(set(timing.status) - {"done"})
    return status + (f"; timing {', '.join(untimed)}" if untimed else "")


def _sampled(frames: Frames) -> DataFrame:
    key = [*SERIES, "nfe_asked"]
    rows = means(frames.samples, key, ["nfe", *columns.scored()])
    for name in ("fid", "fid_ratio", "fid2_ratio"):
        spread = over_seeds(frames.samples, key, name)
        low, high = bounds(spread["mean"], spread.sd, spread.n, 0)
        more = {f"{name}_sd": spread.sd, f"{name}_ci_low": low, f"{name}_ci_high": high}
        rows = rows.merge(spread[key].assign(**more), on=key)
    for name in ("fid_extractor", "fid2_extractor"):
        used = frames.samples.groupby(key)[name].agg(lambda names: ", ".join(sorted(set(names.dropna()))) or None)
        rows = rows.merge(used.reset_index(), on=key)
    timed = frames.timing.groupby(key, as_index=False)[SPEEDS].mean()
    return rows.merge(_sampling_sd(frames), on=key, how="left").merge(timed, on=key, how="left")


def _sampling_sd(frames: Frames) -> DataFrame:
    """Sd of the FID ratio over sampling seeds within a trained network: root of the variances' mean over networks."""
    key = [*SERIES, "nfe_asked"]
    first = frames.samples[[*key, "repetition", "fid_ratio"]]
    extra = frames.draws[[*key, "repetition", "fid_ratio"]]
    drawn = pd.concat([extra, first.merge(extra[[*key, "repetition"]].drop_duplicates(), on=[*key, "repetition"])])
    variances = drawn.groupby([*key, "repetition"]).fid_ratio.var().reset_index()
    sd = variances.groupby(key).fid_ratio.mean() ** 0.5
    return sd.rename("sampling_sd").reset_index()
