"""Invented numbers for the fields of a record beside FID and accuracy."""

from __future__ import annotations

import numpy as np

FLOOR2 = 3.1
# on-policy reach, coverage, credit length, amplification; for None there is a reason
REACH = {
    "dbn": (0.0, 0.25, 1, None),
    "sdae": (0.0, 0.33, 1, 1.7),
    "end-to-end": (1.0, 1.0, 8, None),
    "diffusion": (0.0, 0.25, 1, 1.4),
    "unrolled-k1": (1.0, 1.0, 1, None),
    "unrolled-k4": (1.0, 1.0, 4, 0.8),
    "diffusion-unrolled-k4": (1.0, 1.0, 4, 0.9),
    "meanflow": (0.0, 1.0, 1, None),
}


def of_samples(ratio: float, rng) -> dict:
    """Beside the FID of one sampler and NFE."""
    ratio2 = 1 + (ratio - 1) * 0.7 * float(np.exp(0.1 * rng.standard_normal()))
    good = 1 / ratio
    return {
        **{"fid2": FLOOR2 * ratio2, "fid2_floor": FLOOR2, "fid2_ratio": ratio2, "fid2_extractor": "digits-ae-9f8e7d6c"},
        **{"fid_bias": 0.9, "kid_se": 0.001 * ratio},
        **{"precision": 0.9 * good**0.3, "recall": 0.8 * good**0.5, "density": good, "coverage": 0.95 * good**0.4},
        **{"class_distance": 0.02 * ratio**0.5, "class_entropy": 2.3 - 0.01 * ratio, "label_agreement": None},
        "memorisation": 0.5 * good**0.2,
    }


def of_variant(variant: str, accuracy: float | None, samples: list[dict], rng) -> dict:
    """Beside the samples of a quality record."""
    on_policy, coverage, credit, amplification = REACH.get(variant, (None, None, None, None))
    effective = None if on_policy is None else 0.9 * on_policy
    reason = None if amplification is not None else "no forward process to compare with"
    return {
        "sampling_noise": [
            {
                **{"sampler": entry["sampler"], "nfe_asked": entry["nfe_asked"]},
                "fid_ratios": [entry["fid_ratio"] * (1 + 0.02 * float(rng.standard_normal())) for _ in range(2)],
            }
            for entry in samples
            if entry["sampler"] == samples[0]["sampler"] and entry["nfe_asked"] in (1, 4)
        ],
        "recognition": None if accuracy is None else _recognition(accuracy, rng),
        "likelihood": _likelihood(rng) if variant == "dbn" else None,
        "reach": {
            **{"coverage": coverage, "on_policy_reach": on_policy, "credit_length": credit},
            **{"flops_weighted_reach": on_policy, "effective_reach": effective},
        },
        "mismatch": {"amplification": amplification, "reason": reason},
    }


def _recognition(accuracy: float, rng) -> dict:
    hard = np.linspace(0, 1, 360)  # the same images are hard for every recogniser, as on real data
    correct = hard + 0.01 * rng.standard_normal(360) < accuracy
    return {
        **{"accuracy": float(correct.mean()), "n_test": 360, "accuracy_ci_low": 0.95, "accuracy_ci_high": 0.99},
        **{"calibration_error": 0.012, "linear_probe_accuracy": accuracy - 0.01, "knn_accuracy": accuracy - 0.02},
        "correct": "".join("01"[int(right)] for right in correct),
    }


def _likelihood(rng) -> dict:
    ais = -20.3 + 0.2 * float(rng.standard_normal())
    return {"ais": ais, "ais_low": ais - 0.3, "ais_high": ais + 0.4, "exact": None, "method": "AIS", "n_images": 360}


def of_timing(stages: list[str], samples: list[dict], slow: float) -> dict:
    """Beside throughput and peak memory of a timing record; fills the entries of `samples` in place."""
    for entry in samples:
        entry |= {
            **{"latency_p50_ms": entry["latency_ms_batch1"], "latency_p90_ms": 1.3 * entry["latency_ms_batch1"]},
            **{"sampler_efficiency": 0.93, "mfu": 0.31, "energy_joules_per_image": None, "warmup_seconds": 0.21},
        }
    return {
        "stages": [
            {
                **{"name": name, "batch_size": 128, "updates": 800, "step_seconds_median": 0.014 * slow},
                **{"host_seconds_median": 0.013 * slow, "images_per_second": 9000 / slow},
                **{"end_to_end_images_per_second": 7000 / slow, "flops_per_update": 1e10, "mfu": 0.4 / slow},
                "energy_joules_per_image": None,
            }
            for name in stages
        ],
        **{"matmul_peak_flops_per_second": 4e10, "convolution_peak_flops_per_second": 9e10},
        **{"peak_init_bytes": int(3e6), "peak_evaluate_bytes": int(5e7)},
        "flags": ["50 NFE take 21 times 1 NFE, expected about 50"] if len(stages) == 2 else [],
    }
