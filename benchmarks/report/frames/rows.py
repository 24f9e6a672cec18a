"""One record -> the rows that it adds to the frames. A field that a record lacks is missing, never zero."""

from __future__ import annotations

import json
from collections.abc import Iterator

WHO = ["dataset", "variant", "repetition"]
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
    "matmul_peak_flops_per_second",
]


def cell(record: dict) -> dict:
    """The row of a record, finished or not: its names, how it ended, and every quantity that it has one number of."""
    about, provenance = record["cell"], record.get("provenance") or {}
    training, quality, timing = (record.get(part) or {} for part in ("training", "quality", "timing"))
    recognition = {"n_test": quality.get("n_test")} | (quality.get("recognition") or {})
    reach, likelihood, mismatch = (quality.get(part) or {} for part in ("reach", "likelihood", "mismatch"))
    commit = (provenance.get("commit") or "unknown")[:7] + (" (modified)" if provenance.get("dirty") else "")
    return {
        **{name: record.get(name) for name in ("kind", "status", "reason", "samples_file")},
        **{name: about.get(name) for name in (*WHO, "title", "era", "task", "paradigm", "train_code", "series")},
        **{name: timing.get(name) for name in TIMED_CELL},
        **{name: reach.get(field) for name, field in REACH.items()},
        **{name: likelihood.get(field) for name, field in LIKELIHOOD.items()},
        **{name: recognition.get(name) for name in RECOGNITION},
        **_stages(timing.get("stages") or []),
        "natural_nfe": reach.get("natural_nfe"),
        "mismatch_amplification": mismatch.get("amplification"),
        "mismatch_reason": mismatch.get("reason"),
        "timing_flags": "; ".join(timing.get("flags") or []) or None,
        "options": json.dumps(about.get("options") or {}),
        "commit": commit,
        "machine": _machine(provenance, about.get("device")),
        **_layers(quality.get("signals")),
        "squared_error": (quality.get("reconstruction") or {}).get("squared_error"),
        "train_flops": training.get("flops"),
        "train_seconds": training.get("seconds"),
        "accuracy": quality.get("accuracy", recognition.get("accuracy")),
    }


def _layers(signals: list[dict] | None) -> dict:
    """The number of hidden layers; gradient ratio and saturation at the first and at the last measurement."""
    if not signals:
        return {}
    found = {"n_hidden_layers": len(signals[0]["layers"]) - 1}
    for moment, end in ((signals[0], ""), (signals[-1], "_end")):
        hidden = moment["layers"][:-1]
        if hidden:
            found[f"gradient_ratio{end}"] = hidden[0]["gradient_norm"] / max(hidden[-1]["gradient_norm"], VANISHED)
            found[f"saturated{end}"] = max((layer["saturated"] or 0.0) for layer in hidden)
    return found


def _machine(provenance: dict, device: str | None) -> str:
    threads = provenance.get("threads")
    counted = f", {threads} thread{'s' if threads != 1 else ''}" if threads else ""
    if device == "cuda":
        return (provenance.get("gpu_model") or "unknown GPU") + counted
    return f"{provenance.get('cpu_count') or '?'} x {provenance.get('cpu_model') or 'unknown CPU'}{counted}"


def _stages(stages: list[dict]) -> dict:
    """Means over the stages of training, weighted by images or seconds; missing where a stage lacks the quantity."""
    images = [stage.get("updates", 0) * stage.get("batch_size", 0) for stage in stages]
    seconds = [stage.get("updates", 0) * stage.get("step_seconds_median", 0) for stage in stages]
    per_image = [_inverse(stage.get("end_to_end_images_per_second")) for stage in stages]
    return {
        "train_end_to_end_images_per_second": _inverse(_weighted(per_image, images)),
        "train_mfu": _weighted([stage.get("mfu") for stage in stages], seconds),
        "train_energy_joules_per_image": _weighted([stage.get("energy_joules_per_image") for stage in stages], images),
    }


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None


def _weighted(values: list[float | None], weights: list[float]) -> float | None:
    if not sum(weights) or any(value is None for value in values):
        return None
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def chain(record: dict) -> dict:
    """The nested measurements of a finished quality record, without the curve along training."""
    quality = {name: part for name, part in (record.get("quality") or {}).items() if name != "curve"}
    return who(record) | {"series": record["cell"].get("series"), "quality": quality}


def who(record: dict) -> dict:
    """The columns that name a record in every frame."""
    return {name: record["cell"][name] for name in WHO}


def samples(record: dict, part: str) -> Iterator[dict]:
    """One row per sampler and NFE. part: "quality" or "timing"."""
    entries = record[part].get("samples") or []
    natural = (record[part].get("reach") or {}).get("natural_nfe")
    at_natural = {entry["sampler"]: entry.get("fid") for entry in entries if entry.get("nfe_asked") == natural}
    for entry in entries:
        requested = entry.get("nfe_asked", entry["nfe"])
        about = {"primary": entry["sampler"] == entries[0]["sampler"], "nfe_asked": requested}
        if at_natural.get(entry["sampler"]) and entry.get("fid") is not None:
            about["k_shift"] = entry["fid"] / at_natural[entry["sampler"]]
        yield who(record) | entry | about


def draws(record: dict) -> Iterator[dict]:
    """One row per further draw of samples with another sampling seed, from the same trained network."""
    for entry in record["quality"].get("sampling_noise") or []:
        for index, ratio in enumerate(entry.get("fid_ratios") or []):
            about = {"sampler": entry["sampler"], "nfe_asked": entry["nfe_asked"]}
            yield who(record) | about | {"draw": index, "fid_ratio": ratio}


def accuracy_curve(record: dict) -> Iterator[dict]:
    """One row per point along training at which accuracy was measured."""
    for index, point in enumerate(record["quality"].get("curve") or []):
        if point.get("accuracy") is not None:
            yield who(record) | {"point": index, "accuracy": point["accuracy"]} | _spent(point)


def fid_curve(record: dict) -> Iterator[dict]:
    """One row per point along training and NFE at which samples were scored."""
    for index, point in enumerate(record["quality"].get("curve") or []):
        entries = point.get("samples") or []
        for entry in entries:
            primary = entry["sampler"] == entries[0]["sampler"]
            yield who(record) | entry | {"primary": primary, "point": index} | _spent(point)


def _spent(point: dict) -> dict:
    return {axis: point.get(axis) for axis in AXES}


def loss(record: dict) -> Iterator[dict]:
    """One row per point of a stage's loss curve, with the training FLOPs spent by then."""
    spent = 0
    for index, stage in enumerate(record["training"].get("stages") or []):
        per_update = stage["flops"] / max(stage["updates"], 1)
        for update, value in stage.get("loss_curve") or []:
            seen = {"update": update, "flops": spent + update * per_update, "loss": value}
            yield who(record) | {"stage_index": index, "stage": stage["name"]} | seen
        spent += stage["flops"]
