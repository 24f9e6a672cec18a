"""Declarations of the columns for the cost of training and sampling."""

from __future__ import annotations

from benchmarks.columns import Column

TITLE = "Cost"
COLUMNS = [
    Column(
        "train_flops",
        unit="FLOPs",
        direction="lower",
        meaning="Executed floating-point operations of the whole training, pre-training included. Budgets are set "
        "in this unit.",
        formula="sum over stages of: FLOPs of the matrix products and convolutions of one whole update (loss, "
        "gradient, clipping, optimiser) times updates, and of the stage's `begin`; and those of `observe`. The "
        "training of the cell that a cell starts from is included",
        source="counted by torch.utils.flop_counter, with products with a vector, outer products and distances of all "
        "pairs added. Records without `training.charged` count loss and gradient only; their captions say so",
        misleads="Elementwise operations and memory traffic are not included, so equal FLOPs are not equal seconds. "
        "Known ways to fool it: a product written as a sum, such as `(x[:, None] * y).sum(-1)`, has no operator and "
        "counts as elementwise work; one update is counted, so a loss that works more in later updates is charged too "
        "little. Of samples, `flops_ratio` and `weight_uses` check hidden work, but they do not see such sums either; "
        "seconds do.",
        head="train FLOPs",
        style="count",
        code="benchmarks/flops.py",
    ),
    Column(
        "train_seconds",
        unit="seconds",
        direction="lower",
        meaning="Time of training in the quality cell, without scoring.",
        formula="wall-clock time of the training loop",
        source="measured",
        misleads="Quality cells may share the computer with others. `train_images_per_second` is measured without "
        "such sharing.",
        head="train s",
        code="benchmarks/train/",
    ),
    Column(
        "train_images_per_second",
        unit="images per second",
        direction="higher",
        meaning="Training throughput of the update alone, on a batch that is already on the device.",
        formula="images of all stages / sum over stages of updates x median seconds per update",
        source="timing cell",
        misleads="It contains no data loading and no Trainer. An image of pre-training counts like any other.",
        head="images/s, step",
    ),
    Column(
        "train_end_to_end_images_per_second",
        unit="images per second",
        direction="higher",
        meaning="Training throughput with the real data loader and Trainer.",
        formula="images of all stages / seconds of all stages",
        source="timing cell",
        misleads="For tiny networks it measures the overhead of the Trainer.",
        head="images/s, end to end",
    ),
    Column(
        "train_mfu",
        unit="share of the measured peak",
        direction="higher",
        meaning="Model FLOPs utilisation of training: executed FLOPs per second over the measured peak of the device.",
        formula="FLOPs of an update / its median seconds / the larger peak, `matmul_peak_flops_per_second` or "
        "`convolution_peak_flops_per_second`; stages weighted by time",
        source="timing cell; after Chowdhery et al. 2022, appendix B, but with executed FLOPs",
        misleads="Executed FLOPs include waste, such as products with a zero tangent, so a high value is not yet "
        "an efficient method.",
        head="MFU",
        style="percent",
    ),
    Column(
        "train_energy_joules_per_image",
        unit="joules per training image",
        direction="lower",
        meaning="Energy of the GPU per training image.",
        formula="difference of the energy counter over a window of updates / images, stages weighted by images",
        source="NVML energy counter; empty where there is none",
        misleads="It is the energy of the whole board with its idle power, without the host.",
        head="J/image",
    ),
    Column(
        "sample_images_per_second",
        unit="images per second",
        direction="higher",
        meaning="Sampling throughput in batches.",
        formula="batch size / median seconds per call of the sampler, over three rounds in which all samplers take "
        "turns",
        source="timing cell, with the preset's batch size",
        misleads="It depends on the batch size. For a single image see `latency_p50_ms`.",
    ),
    Column(
        "sample_ms_per_image",
        unit="milliseconds per image",
        direction="lower",
        meaning="Sampling time per image in batches, the inverse of the throughput.",
        formula="1000 x median seconds per call of the sampler, over three rounds in which all samplers take turns / "
        "batch size",
        source="timing cell, with the preset's batch size",
        misleads="It depends on the batch size. For a single image see `latency_p50_ms`.",
        head="ms/image",
    ),
    Column(
        "latency_p50_ms",
        unit="milliseconds",
        direction="lower",
        meaning="Time to draw one image alone: median (`latency_ms_batch1` is an older name of the same number) "
        "and 90th percentile.",
        formula="quantiles over repeated calls with batch size 1 in one process, median over three rounds in which all "
        "samplers take turns",
        source="timing cell",
        misleads="Small networks are limited by the launch of kernels, so the number of evaluations decides and "
        "not their size.",
        head="latency p50, ms",
        also=("latency_ms_batch1", "latency_p90_ms"),
    ),
    Column(
        "sampler_efficiency",
        unit="share",
        direction="higher",
        meaning="Share of a sampler's time that is spent in evaluations of the link; the rest is overhead.",
        formula="NFE x seconds of one evaluation alone / seconds of the sampler",
        source="timing cell",
        misleads="Values above 1 occur by noise, or where an evaluation alone is slower than inside the chain; above "
        "1.05 they are flagged.",
        head="efficiency",
        style="percent",
    ),
    Column(
        "mfu",
        unit="share of the measured peak",
        direction="higher",
        meaning="Model FLOPs utilisation of sampling.",
        formula="`flops_per_sample` x `sample_images_per_second` / the larger peak, `matmul_peak_flops_per_second` or "
        "`convolution_peak_flops_per_second`",
        source="timing cell",
        misleads="As `train_mfu`.",
        head="MFU",
        style="percent",
    ),
    Column(
        "energy_joules_per_image",
        unit="joules per sample",
        direction="lower",
        meaning="Energy of the GPU per sample.",
        formula="difference of the energy counter over a window of sampling / samples",
        source="NVML energy counter; empty where there is none",
        misleads="It is the energy of the whole board with its idle power, so it grows with the time of a slow "
        "sampler.",
        head="J/image",
    ),
    Column(
        "flops_per_sample",
        unit="FLOPs",
        direction="lower",
        meaning="Executed floating-point operations per sample.",
        formula="FLOPs of sampling a batch of 8 / 8",
        source="counted by torch.utils.flop_counter",
        misleads="As `train_flops`.",
        head="FLOPs/sample",
        style="count",
        code="benchmarks/flops.py",
    ),
    Column(
        "warmup_seconds",
        unit="seconds",
        direction="lower",
        meaning="Time of the calls before the timed ones: allocation, autotuning, compilation.",
        formula="sum of the seconds of the warm-up calls, at a sampler's smallest NFE; empty at the others",
        source="timing cell",
        misleads="The warm-up has a fixed minimum, so the value is informative only where it is larger.",
        head="warm-up s",
    ),
    Column(
        "peak_train_bytes",
        unit="bytes",
        direction="lower",
        meaning="Peak tensor memory of building the paradigm (init), of one update (train), of one batch of "
        "samples (sample), and of scoring one batch of images (evaluate), in addition to what was "
        "allocated before.",
        formula="peak of the allocator - bytes allocated before; on a CPU from the profiler's allocation events",
        source="torch memory statistics, torch profiler",
        misleads="The process needs more: the allocator's cache and the GPU context, or on a CPU the libraries.",
        head="MiB",
        style="count",
        also=("peak_init_bytes", "peak_sample_bytes", "peak_evaluate_bytes"),
    ),
    Column(
        "matmul_peak_flops_per_second",
        unit="FLOPs per second",
        direction=None,
        meaning="Fastest measured matrix product, and fastest measured 3 x 3 convolution, on the same device, with the "
        "same threads and precision. The larger one is the reference of `mfu` and `train_mfu`.",
        formula="counted FLOPs / median seconds, the best of several sizes",
        source="timing cell",
        misleads="Only large operations reach it, and load on a shared computer lowers it. Without the second number a "
        "record's utilisation relates to matrix products alone, which some processors execute half as fast.",
        also=("convolution_peak_flops_per_second",),
    ),
    Column(
        "timing_exclusive",
        unit="yes or no; words",
        direction=None,
        meaning="Whether nothing else of this run was executed while times were measured, and the sanity checks "
        "of the timing cell that failed, such as rounds of one sampler that differ by more than 25 %.",
        formula="sanity checks",
        source="records",
        misleads="Other users of the computer are not known to the run.",
        style="text",
        also=("timing_flags",),
    ),
]
