"""A results folder as a run leaves it, with invented numbers: what the report is tested on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from tests.benchmarks import instruments

NFE = [1, 2, 4, 8, 16, 32]
VARIANTS = {
    "dbn": dict(paradigm="dbn", era="layer-wise", task="recognition", title="Deep belief network (greedy RBMs)"),
    "sdae": dict(paradigm="sdae", era="layer-wise", task="recognition", title="Stacked denoising auto-encoders"),
    "end-to-end": dict(
        paradigm="end_to_end", era="end-to-end", task="recognition", title="End to end (AlexNet recipe)"
    ),
    "diffusion": dict(
        paradigm="diffusion", era="step-wise", task="generation", title="Diffusion (per-step flow matching)"
    ),
    "unrolled-k1": dict(paradigm="unrolled", era="end-to-end", task="generation", title="Unrolled chain, K = 1"),
    "unrolled-k4": dict(paradigm="unrolled", era="end-to-end", task="generation", title="Unrolled chain, K = 4"),
    "diffusion-unrolled-k4": dict(
        paradigm="unrolled", era="both", task="generation", title="Diffusion, then unrolled K = 4"
    ),
    "meanflow": dict(paradigm="meanflow", era="one-step", task="generation", title="MeanFlow"),
}
# Mean FID ratios at NFE, roughly what the digits give.
RATIOS = {
    "dbn": [95, 80, 62, 44, 35, 30],
    "sdae": [80, 61, 40, 33, 28, 27],
    "diffusion": [66, 12, 3.4, 1.8, 1.4, 1.2],
    "unrolled-k1": [3.1, 3.3, 3.6, 3.9, 4.0, 4.1],
    "unrolled-k4": [9, 7, 6.1, 6.4, 6.8, 7],
    "diffusion-unrolled-k4": [30, 4.4, 1.08, 1.3, 1.5, 1.6],
    "meanflow": [1.9, 1.5, 1.4, 1.38, 1.4, 1.41],
}
STAGES = {
    "dbn": ["rbm 1", "rbm 2", "top rbm", "fine-tuning"],
    "sdae": ["layer 1", "layer 2", "fine-tuning"],
    "diffusion-unrolled-k4": ["flow matching", "unrolled"],
}
ACCURACY = {"dbn": 0.968, "sdae": 0.972, "end-to-end": 0.991}
FLOOR = 47.5


def write_run(
    folder: Path,
    variants=tuple(VARIANTS),
    n_seeds: int = 3,
    dataset: str = "digits",
    npz: bool = True,
    n_launches: int = 1,
) -> None:
    """Records and sample files of `variants` x seeds, and `n_launches` timing records a variant."""
    for variant in variants:
        for repetition in range(n_seeds):
            write(folder, quality(variant, repetition, dataset, npz and variant in RATIOS))
            if npz and variant in RATIOS:
                _write_npz(folder, variant, repetition, dataset)
        for launch in range(n_launches):
            write(folder, timing(variant, dataset, launch=launch))


def write(folder: Path, record: dict) -> Path:
    """Put a record where the worker would."""
    path = folder / "cells" / f"{stem(record)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    return path


def stem(record: dict) -> str:
    cell = record["cell"]
    place = f"timing{cell['repetition'] or ''}" if record["kind"] == "timing" else f"s{cell['repetition']}"
    return f"{cell['variant']}.{cell['dataset']}.{place}.{record['key'][:8]}"


def base(kind: str, variant: str, repetition: int, dataset: str = "digits") -> dict:
    """What every record has, finished or not."""
    facts = VARIANTS.get(variant, dict(paradigm=variant, era="other", task="generation", title=variant.title()))
    samplers = ["euler", "heun", "ipndm"] if variant == "diffusion" else []
    cell = {
        "kind": kind, "preset": "fake", "variant": variant, "options": {}, "dataset": dataset,
        "repetition": repetition, "seed": 100 + repetition, "device": "cpu", "threads": 1, "nfe": NFE,
        "samplers": samplers, "n_samples": None, "budget_flops": 1e13, "curve_points": 6, "curve_nfe": [1, 4],
        "sample_batch": 256, "timing_seconds": 1.0, "limit_seconds": 600.0, "data_hash": "d" * 64,
        "code_hash": "c" * 64, "reference": "Somebody 2006", **facts,
    }  # fmt: skip
    provenance = {
        "commit": "0123456789abcdef", "dirty": False, "cpu_model": "Fake CPU @ 2.1 GHz", "cpu_count": 2,
        "gpu_model": None, "threads": 1, "exclusive": kind == "timing",
    }  # fmt: skip
    key = hashlib.sha256(json.dumps([kind, variant, repetition, dataset]).encode()).hexdigest()
    return {"schema": 1, "kind": kind, "key": key, "status": "done", "reason": None, "cell": cell,
            "wall_seconds": 60.0, "provenance": provenance}  # fmt: skip


def failed(variant: str, repetition: int, status: str, reason: str, dataset: str = "digits") -> dict:
    return base("quality", variant, repetition, dataset) | {"status": status, "reason": reason}


def quality(variant: str, repetition: int, dataset: str = "digits", npz: bool = True) -> dict:
    rng = np.random.default_rng([repetition, *variant.encode()])
    record = base("quality", variant, repetition, dataset)
    curve = [_point(variant, index, rng) for index in range(6)]
    record["training"] = _training(variant, rng)
    record["quality"] = {"accuracy": _accuracy(variant, rng), "n_test": 360, "samples": [], "curve": curve}
    for sampler in _samplers(variant):
        for nfe, ratio in zip(NFE, RATIOS.get(variant, []), strict=False):
            if sampler != "heun" or nfe > 1:
                record["quality"]["samples"].append(_score(sampler, nfe, ratio, rng))
    record["quality"] |= instruments.of_variant(variant, ACCURACY.get(variant), record["quality"]["samples"], rng)
    record["samples_file"] = f"samples/{stem(record)}.npz" if npz else None
    return record


def timing(variant: str, dataset: str = "digits", exclusive: bool = True, launch: int = 0) -> dict:
    rng = np.random.default_rng([7, *variant.encode()])
    record = base("timing", variant, launch, dataset)
    slow = (1 + 2 * rng.random()) * float(np.exp(0.05 * np.random.default_rng([launch, 7]).standard_normal()))
    samples = [
        {"sampler": sampler, "nfe": nfe, "batch": 256, "sample_images_per_second": 1500 / nfe / slow,
         "sample_ms_per_image": nfe * slow / 1.5, "latency_ms_batch1": 4.0 * nfe, "flops_per_sample": 2e6 * nfe,
         "peak_sample_bytes": int(4e7 * slow), "peak_sample_reserved_bytes": None}
        for sampler in _samplers(variant) for nfe in NFE if variant in RATIOS and (sampler != "heun" or nfe > 1)
    ]  # fmt: skip
    record["timing"] = {
        "exclusive": exclusive, "train_images_per_second": 9000 / slow**3, "stages": [], "samples": samples,
        "peak_train_bytes": int(9e7 * slow), "peak_train_reserved_bytes": None,
    }  # fmt: skip
    record["timing"] |= instruments.of_timing(_stages(variant), samples, slow)
    return record


def _samplers(variant: str) -> list[str]:
    return {"diffusion": ["euler", "heun", "ipndm"], "dbn": ["gibbs"], "sdae": ["walkback"]}.get(variant, ["default"])


def _accuracy(variant: str, rng) -> float | None:
    return ACCURACY[variant] + 0.004 * rng.standard_normal() if variant in ACCURACY else None


def _score(sampler: str, nfe: int, ratio: float, rng) -> dict:
    better = {"heun": 0.8, "ipndm": 0.6}.get(sampler, 1.0)
    ratio = 1 + (ratio - 1) * better * float(np.exp(0.12 * rng.standard_normal()))
    return {"sampler": sampler, "nfe_asked": nfe, "nfe": float(nfe), "n_samples": 1257, "fid": FLOOR * ratio,
            "fid_extractor": "digits-cnn-1a2b3c4d", "fid_floor": FLOOR, "fid_ratio": ratio, "kid": 0.01 * ratio,
            "memorisation_ratio": 1 + 0.02 * ratio, "flops_per_sample": 2e6 * nfe, "seconds": 0.2 * nfe,
            **instruments.of_samples(ratio, rng)}  # fmt: skip


def _point(variant: str, index: int, rng) -> dict:
    share = (index + 1) / 6
    looks = [
        {"sampler": _samplers(variant)[0], "nfe": nfe, "fid": FLOOR * ratio, "fid_ratio": ratio}
        for nfe in (1, 4) if variant in RATIOS
        for ratio in [RATIOS[variant][NFE.index(nfe)] * share**-1.2 * float(np.exp(0.1 * rng.standard_normal()))]
    ]  # fmt: skip
    accuracy = ACCURACY[variant] * (1 - 0.8 * 0.02**share) if variant in ACCURACY else None
    return {"flops": 1e13 * share, "images": 1e5 * share, "updates": 800 * share, "seconds": 40 * share,
            "stage": _stages(variant)[-1], "accuracy": accuracy, "samples": looks}  # fmt: skip


def _stages(variant: str) -> list[str]:
    return STAGES.get(variant, ["all"])


def _training(variant: str, rng) -> dict:
    names = _stages(variant)
    updates = np.arange(0, 800, 4)
    stages = []
    for index, name in enumerate(names):
        loss = 2.0 ** (1 - index) * np.exp(-updates / 150) + 0.3 + 0.05 * rng.standard_normal(len(updates)) - index
        stages.append({"name": name, "share": 1.0, "updates": 800, "batch_size": 128, "flops_per_update": 1e13 / 800,
                       "flops": 1e13 / len(names), "images": 102400, "seconds": 40.0, "n_parameters": 730000,
                       "loss_curve": [[int(u), float(x)] for u, x in zip(updates, loss, strict=True)]})  # fmt: skip
    return {"flops": 1e13, "images": 102400 * len(names), "updates": 800 * len(names), "seconds": 40.0 * len(names),
            "n_parameters": 730000, "stages": stages}  # fmt: skip


def _write_npz(folder: Path, variant: str, repetition: int, dataset: str) -> None:
    from sklearn.datasets import load_digits

    images = (load_digits().images * 255 / 16).round().astype(np.uint8)[:, None]
    rng = np.random.default_rng(repetition)
    arrays = {"real": images[1400:1416]}
    for sampler in _samplers(variant):
        for nfe, ratio in zip(NFE, RATIOS[variant], strict=True):
            picked = images[rng.integers(0, 1200, 16)]
            noise = 25 * np.log(ratio) * rng.standard_normal(picked.shape)
            arrays[f"{sampler}_{nfe}"] = (picked + noise).clip(0, 255).astype(np.uint8)
            arrays[f"{sampler}_{nfe}_nearest"] = picked
    path = folder / "samples" / f"{stem(base('quality', variant, repetition, dataset))}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
