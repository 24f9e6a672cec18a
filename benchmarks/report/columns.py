"""The columns of comparison.csv, in order; docs/metrics.md says of each what it is. New ones go to the end."""

from __future__ import annotations

COLUMNS = [
    *["paradigm", "title", "era", "dataset", "n_seeds", "nfe", "fid", "fid_sd", "fid_extractor", "n_samples"],
    *["fid_floor", "fid_ratio", "kid", "accuracy", "train_flops", "train_images_per_second"],
    *["sample_images_per_second", "sample_ms_per_image", "peak_train_bytes", "peak_sample_bytes"],
    *["variant", "sampler", "accuracy_sd", "fid_ratio_sd", "memorisation_ratio", "flops_per_sample"],
    *["latency_ms_batch1", "train_seconds", "timing_exclusive", "status", "reason"],
    # since the instruments have a second way of getting each number
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
]
# Whole numbers, in the order of the columns.
COUNTS = [
    *["n_seeds", "n_samples", "train_flops", "flops_per_sample", "peak_train_bytes", "peak_sample_bytes"],
    *["peak_init_bytes", "peak_evaluate_bytes", "n_launches"],
]
# Headline columns: what the A/A study is about, whose intervals and ties the tables show.
HEADLINE = ["fid_ratio", "fid2_ratio", "accuracy", "train_images_per_second", "sample_ms_per_image"]
