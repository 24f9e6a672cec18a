"""The columns of the comparison and of the frames of samples, in order; docs/metrics.md explains each.

A metric of generated images declares its columns in its own file (`benchmarks.columns`). Those that are not listed here
yet are appended, so a metric is one new file.
"""

from __future__ import annotations

from benchmarks.columns import Column, of_metrics

# Columns of comparison.csv. New ones go to the end.
COLUMNS = [
    *["paradigm", "title", "era", "dataset", "n_seeds", "nfe", "fid", "fid_sd", "fid_extractor", "n_samples"],
    *["fid_floor", "fid_ratio", "kid", "accuracy", "train_flops", "train_images_per_second"],
    *["sample_images_per_second", "sample_ms_per_image", "peak_train_bytes", "peak_sample_bytes"],
    *["variant", "sampler", "accuracy_sd", "fid_ratio_sd", "memorisation_ratio", "flops_per_sample"],
    *["latency_ms_batch1", "train_seconds", "timing_exclusive", "status", "reason"],
    # since there are two scoring networks, reach and mismatch
    *["fid2", "fid2_ratio", "fid_ci_low", "fid_ci_high", "fid_bias", "kid_se", "precision", "recall", "coverage"],
    *["memorisation", "label_agreement", "accuracy_ci_low", "accuracy_ci_high", "ais", "latency_p50_ms"],
    *["latency_p90_ms", "sampler_efficiency", "mfu", "energy_joules_per_image", "reach", "credit_length"],
    *["effective_reach", "mismatch_amplification"],
    *["fid2_extractor", "fid2_floor", "fid_floor_whole", "fid_ratio_ci_low", "fid_ratio_ci_high", "fid2_ratio_ci_low"],
    *["fid2_ratio_ci_high", "sampling_sd", "density", "class_distance", "class_entropy"],
    *["accuracy_binomial_low", "accuracy_binomial_high", "calibration_error", "linear_probe_accuracy"],
    *["knn_accuracy", "ais_low", "ais_high", "log_likelihood_exact", "reach_coverage", "flops_weighted_reach"],
    *["mismatch_reason", "train_end_to_end_images_per_second", "train_mfu", "train_energy_joules_per_image"],
    *["peak_init_bytes", "peak_evaluate_bytes", "warmup_seconds", "matmul_peak_flops_per_second", "timing_flags"],
    *["n_launches", "fid_ratio_mde", "fid2_ratio_mde", "accuracy_mde", "train_images_per_second_mde"],
    *["sample_ms_per_image_mde", "task", "k_shift", "squared_error", "squared_error_ci_low", "squared_error_ci_high"],
    *["marks", "marks_why", "convolution_peak_flops_per_second"],
]
# Whole numbers, in the order of the columns.
COUNTS = [
    *["n_seeds", "n_samples", "train_flops", "flops_per_sample", "peak_train_bytes", "peak_sample_bytes"],
    *["peak_init_bytes", "peak_evaluate_bytes", "n_launches"],
]
# Scores of generated images, of one training seed, sampler and NFE.
SCORES = [
    *["fid", "fid_floor", "fid_floor_whole", "fid_ratio", "kid", "memorisation_ratio", "n_samples", "flops_per_sample"],
    *["fid2", "fid2_floor", "fid2_ratio", "fid_bias", "kid_se", "precision", "recall", "density", "coverage"],
    *["class_distance", "class_entropy", "label_agreement", "memorisation", "k_shift"],
]
# Distances to the validation split, by which NFE and sampler are chosen; a metric declares them.
VALIDATION = ["validation_fid"]
# Costs of sampling, of one timing launch, sampler and NFE.
SPEEDS = [
    *["sample_images_per_second", "sample_ms_per_image", "latency_ms_batch1", "peak_sample_bytes"],
    *["latency_p50_ms", "latency_p90_ms", "sampler_efficiency", "mfu", "energy_joules_per_image", "warmup_seconds"],
]
# Headline columns: what the A/A study is about; tables show their intervals and mark which differences are significant.
HEADLINE = ["fid_ratio", "fid2_ratio", "accuracy", "train_images_per_second", "sample_ms_per_image"]


def of_comparison() -> list[str]:
    """Every column of the comparison, those of metrics that are not in COLUMNS at the end."""
    return list(dict.fromkeys([*COLUMNS, *VALIDATION, *_new_names()]))


def scores() -> list[str]:
    """Every score of generated images that tables show."""
    return [*SCORES, *_new_names()]


def scored() -> list[str]:
    """Every score of generated images, and the distances that choices are made by."""
    return list(dict.fromkeys([*scores(), *VALIDATION]))


def counts() -> list[str]:
    """The columns of whole numbers."""
    return [*COUNTS, *(column.name for column in _new() if column.style == "count")]


def declared() -> dict[str, Column]:
    """The columns that metrics declare, by name; of several declarations of one name the first counts."""
    found: dict[str, Column] = {}
    for column in (column for group in of_metrics().values() for column in group):
        found.setdefault(column.name, column)
    return found


def _new() -> list[Column]:
    return [column for name, column in declared().items() if name not in {*COLUMNS, *SCORES}]


def _new_names() -> list[str]:
    """The columns of metrics that are not listed here, those that share an entry included."""
    return [name for column in _new() for name in column.names]
