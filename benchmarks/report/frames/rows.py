"""One record -> the rows that it adds to the frames. A field that a record lacks is missing, never zero.

Every part of a record beside its names is optional: an older version may not have measured it, or it failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks.report.frames import pace
from benchmarks.report.frames.pace import Paces
from benchmarks.report.frames.parts import listed, part

WHO = ["dataset", "variant", "repetition"]
FACTS = ["title", "era", "task", "paradigm", "train_code", "series", "starts_from", "preset"]
VANISHED = 1e-30  # a gradient norm of 0 in float32, so that it has a logarithm
LAYERS = ["n_hidden_layers", "gradient_ratio", "gradient_ratio_end", "saturated", "saturated_end"]
AXES = ["flops", "images", "seconds"]  # measures of what training costs
REACH = {
    "reach": "on_policy_reach",
    "reach_coverage": "coverage",
    "credit_length": "credit_length",
    "flops_weighted_reach": "flops_weighted_reach",
    "effective_reach": "effective_reach",
}
LIKELIHOOD = {"ais": "ais", "ais_low": "ais_low", "ais_high": "ais_high", "log_likelihood_exact": "exact"}
RECOGNITION = ["calibration_error", "linear_probe_accuracy", "knn_accuracy", "correct", "n_test"]
TIMED_CELL = [
    *["train_images_per_second", "peak_train_bytes", "peak_init_bytes", "peak_evaluate_bytes", "exclusive"],
    *["matmul_peak_flops_per_second", "convolution_peak_flops_per_second"],
]


def cell(record: dict) -> dict:
    """The row of a record, finished or not: its names, how it ended, and every quantity that it has one number of."""
    about, provenance = record["cell"], part(record, "provenance")
    training, quality, timing = (part(record, name) for name in ("training", "quality", "timing"))
    recognition = {"n_test": quality.get("n_test")} | part(quality, "recognition")
    reach, likelihood, mismatch = (part(quality, name) for name in ("reach", "likelihood", "mismatch"))
    commit = (provenance.get("commit") or "unknown")[:7] + (" (modified)" if provenance.get("dirty") else "")
    return {
        **{name: record.get(name) for name in ("kind", "status", "reason", "samples_file")},
        **{name: about.get(name) for name in (*WHO, *FACTS)},
        **{name: timing.get(name) for name in TIMED_CELL},
        **{name: reach.get(field) for name, field in REACH.items()},
        **{name: likelihood.get(field) for name, field in LIKELIHOOD.items()},
        **{name: recognition.get(name) for name in RECOGNITION},
        **_stages(listed(timing.get("stages"))),
        "alone": provenance.get("exclusive"),
        "natural_nfe": reach.get("natural_nfe"),
        "floor_corrected": quality.get("floor_corrected"),
        "mismatch_amplification": mismatch.get("amplification"),
        "mismatch_reason": mismatch.get("reason"),
        "timing_flags": "; ".join(timing.get("flags") or []) or None,
        "options": json.dumps(about.get("options") or {}),
        "commit": commit,
        "file": record.get("file"),
        "versions": ", ".join(f"{name} {version}" for name, version in part(provenance, "versions").items()) or None,
        "made": provenance.get("timestamp_utc"),
        "machine": _machine(provenance, about.get("device"), about.get("devices") or 1),
        **_layers(listed(quality.get("signals"))),
        "squared_error": part(quality, "reconstruction").get("squared_error"),
        "train_flops": training.get("flops"),
        "charged": training.get("charged"),
        "train_seconds": training.get("seconds"),
        "accuracy": quality.get("accuracy", recognition.get("accuracy")),
    }


def _layers(signals: list[dict]) -> dict:
    """The number of hidden layers; gradient ratio and saturation at the first and at the last measurement."""
    found = {}
    for moment, end in ((signals[0], ""), (signals[-1], "_end")) if signals else ():
        hidden = listed(moment.get("layers"))[:-1]
        found.setdefault("n_hidden_layers", len(hidden))
        if hidden:
            low, high = (layer.get("gradient_norm") for layer in (hidden[0], hidden[-1]))
            found[f"gradient_ratio{end}"] = None if low is None or high is None else low / max(high, VANISHED)
            found[f"saturated{end}"] = max(layer.get("saturated") or 0.0 for layer in hidden)
    return found


def _machine(provenance: dict, device: str | None, devices: int) -> str:
    threads = provenance.get("threads")
    counted = f", {threads} thread{'s' if threads != 1 else ''}" if threads else ""
    counted += f" on each of {devices} devices" if devices > 1 else ""
    if device == "cuda":
        return (provenance.get("gpu_model") or "unknown GPU") + counted
    return f"{provenance.get('cpu_count') or '?'} x {provenance.get('cpu_model') or 'unknown CPU'}{counted}"


def _stages(stages: list[dict]) -> dict:
    """Means over the stages of training, weighted by images or seconds; missing where a stage lacks the quantity."""
    images = [_product(stage, "updates", "batch_size") for stage in stages]
    seconds = [_product(stage, "updates", "step_seconds_median") for stage in stages]
    per_image = [_inverse(stage.get("end_to_end_images_per_second")) for stage in stages]
    return {
        "train_end_to_end_images_per_second": _inverse(_weighted(per_image, images)),
        "train_mfu": _weighted([stage.get("mfu") for stage in stages], seconds),
        "train_energy_joules_per_image": _weighted([stage.get("energy_joules_per_image") for stage in stages], images),
    }


def _product(stage: dict, *names: str) -> float:
    first, second = (stage.get(name) or 0 for name in names)
    return first * second


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None


def _weighted(values: list[float | None], weights: list[float]) -> float | None:
    if not sum(weights) or any(value is None for value in values):
        return None
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def chain(record: dict) -> dict:
    """The nested measurements of a finished quality record, without the curve along training."""
    quality = {name: value for name, value in part(record, "quality").items() if name != "curve"}
    return who(record) | {"series": record["cell"].get("series"), "quality": quality}


def who(record: dict) -> dict:
    """The columns that name a record in every frame."""
    return {name: record["cell"].get(name) for name in WHO}


def samples(record: dict, kind: str) -> Iterator[dict]:
    """One row per sampler and NFE. kind: "quality" or "timing"."""
    entries = listed(part(record, kind).get("samples"))
    natural = part(part(record, kind), "reach").get("natural_nfe")
    at_natural = {entry.get("sampler"): entry.get("fid") for entry in entries if entry.get("nfe_asked") == natural}
    for entry in entries:
        requested, sampler = entry.get("nfe_asked", entry.get("nfe")), entry.get("sampler")
        about = {"primary": sampler == entries[0].get("sampler"), "nfe_asked": requested}
        if at_natural.get(sampler) and entry.get("fid") is not None:
            about["k_shift"] = entry["fid"] / at_natural[sampler]
        yield who(record) | entry | about


def draws(record: dict) -> Iterator[dict]:
    """One row per further draw of samples with another sampling seed, from the same trained network."""
    for entry in listed(part(record, "quality").get("sampling_noise")):
        for index, ratio in enumerate(entry.get("fid_ratios") or []):
            about = {"sampler": entry.get("sampler"), "nfe_asked": entry.get("nfe_asked")}
            yield who(record) | about | {"draw": index, "fid_ratio": ratio}


def accuracy_curve(record: dict, paces: Paces) -> Iterator[dict]:
    """One row per point along training at which accuracy was measured."""
    for index, point in enumerate(listed(part(record, "quality").get("curve"))):
        if point.get("accuracy") is not None:
            yield who(record) | {"point": index, "accuracy": point["accuracy"]} | _spent(record, point, paces)


def fid_curve(record: dict, paces: Paces) -> Iterator[dict]:
    """One row per point along training and NFE at which samples were scored."""
    for index, point in enumerate(listed(part(record, "quality").get("curve"))):
        entries = listed(point.get("samples"))
        for entry in entries:
            primary = entry.get("sampler") == entries[0].get("sampler")
            yield who(record) | entry | {"primary": primary, "point": index} | _spent(record, point, paces)


def _spent(record: dict, point: dict, paces: Paces) -> dict:
    """What training had cost by a point, and whether its last stage had begun by then."""
    stages = listed(part(record, "training").get("stages"))
    earlier = {stage.get("name") for stage in stages[:-1]}
    spent = {"flops": point.get("flops"), "images": point.get("images")}
    spent["seconds"] = pace.seconds(stages, point.get("updates"), paces.get(pace.key(record), {}))
    return spent | {"stage": point.get("stage"), "last_stage": point.get("stage") not in earlier}


def loss(record: dict) -> Iterator[dict]:
    """One row per point of a stage's loss curve, with the training FLOPs spent by then."""
    spent = 0
    for index, stage in enumerate(listed(part(record, "training").get("stages"))):
        flops = stage.get("flops") or 0
        once = stage.get("flops_once") or 0
        per_update = (flops - once) / max(stage.get("updates") or 0, 1)
        for update, value in stage.get("loss_curve") or []:
            seen = {"update": update, "flops": spent + once + update * per_update, "loss": value}
            yield who(record) | {"stage_index": index, "stage": stage.get("name")} | seen
        spent += flops
