"""The comparison: one row per data set, paradigm variant, sampler and NFE, with means and sds over training seeds."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames import SERIES, SPEEDS, Frames, over_seeds

COLUMNS = [
    *["paradigm", "title", "era", "dataset", "n_seeds", "nfe", "fid", "fid_sd", "fid_extractor", "n_samples"],
    *["fid_floor", "fid_ratio", "kid", "accuracy", "train_flops", "train_images_per_second"],
    *["sample_images_per_second", "sample_ms_per_image", "peak_train_bytes", "peak_sample_bytes"],
    *["variant", "sampler", "accuracy_sd", "fid_ratio_sd", "memorisation_ratio", "flops_per_sample"],
    *["latency_ms_batch1", "train_seconds", "timing_exclusive", "status", "reason"],
]
COUNTS = ["n_seeds", "n_samples", "train_flops", "flops_per_sample", "peak_train_bytes", "peak_sample_bytes"]
MEANS = ["fid", "fid_floor", "fid_ratio", "kid", "memorisation_ratio", "n_samples", "flops_per_sample"]


def comparison(frames: Frames) -> DataFrame:
    """Rows: recognition first, then generation; by variant, sampler and NFE. A variant that failed keeps a row."""
    variants = DataFrame([_variant(cells) for _, cells in frames.cells.groupby(["dataset", "variant"])])
    rows = variants.merge(_sampled(frames), on=["dataset", "variant"], how="left")
    rows["n_seeds"] = rows.n_seeds.where(rows.n.isna(), rows.n)
    order = ["dataset", "later", "variant", "sampler", "nfe"]
    rows = rows.sort_values(order, na_position="first", ignore_index=True)[[*COLUMNS]]
    return rows.assign(**{name: rows[name].astype("float64").round().astype("Int64") for name in COUNTS})


def _variant(cells: DataFrame) -> dict:
    """What a variant's rows share: its facts, the cost of its training, and how its cells ended."""
    quality, timing = cells[cells.kind == "quality"], cells[cells.kind == "timing"]
    done, timed = quality[quality.status == "done"], timing[timing.status == "done"]
    first = cells.iloc[0]
    return {
        **{name: first[name] for name in ("dataset", "variant", "title", "era")},
        "paradigm": Path(json.loads(first.settings)["paradigm"]).stem,
        "later": first.task != "recognition",
        "n_seeds": len(done),
        "accuracy": done.accuracy.mean(skipna=False),
        "accuracy_sd": done.accuracy.std(),
        "train_flops": done.train_flops.mean(skipna=False),
        "train_seconds": done.train_seconds.mean(skipna=False),
        "train_images_per_second": timed.train_images_per_second.mean(),
        "peak_train_bytes": timed.peak_train_bytes.mean(),
        "timing_exclusive": bool(timed.exclusive.all()) if len(timed) else None,
        "status": _status(quality, timing),
        "reason": "; ".join([*cells.reason.dropna().unique(), *_differences(quality)]) or None,
    }


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


def _differences(quality: DataFrame) -> list[str]:
    """Settings in which the seeds of one variant differ: their mean would mix two experiments, so the row says it."""
    settings = [json.loads(text) for text in quality.settings]
    differ = sorted({name for other in settings for name in other if other[name] != settings[0].get(name)})
    return [f"seeds differ in {', '.join(differ)}"] if differ else []


def _sampled(frames: Frames) -> DataFrame:
    key = [*SERIES, "nfe_asked"]
    rows = over_seeds(frames.samples, key, "nfe").rename(columns={"mean": "nfe"}).drop(columns="sd")
    for name in MEANS:
        scores = over_seeds(frames.samples, key, name).rename(columns={"mean": name, "sd": f"{name}_sd"})
        rows = rows.merge(scores.drop(columns="n"), on=key)
    extractor = frames.samples.groupby(key).fid_extractor.agg(lambda names: ", ".join(sorted(set(names.dropna()))))
    rows = rows.merge(extractor.reset_index(), on=key)
    timed = frames.timing.groupby(key, as_index=False)[SPEEDS].mean()
    return rows.merge(timed, on=key, how="left")


def best(rows: DataFrame) -> pd.Series | None:
    """The row with the lowest mean FID ratio over the listed NFEs and samplers; None where nothing was sampled."""
    ratio = rows.fid_ratio.dropna()
    return None if ratio.empty else rows.loc[ratio.idxmin()]
