"""What measured costs must satisfy whatever they are; what does not is flagged in the record, or refused."""

from __future__ import annotations

NOISE = 1.1  # on one core, medians of the same code differ by up to a tenth
MANY = 50  # evaluations whose time is compared to that of one
MANY_BATCH = 64
LEAST_RATIO = 20.0
BATCH_NOISE = 1.5  # latency and throughput are measured at different moments


def utilisation(flops: float, seconds: float, peak: float) -> float:
    """Share of the peak (FLOPs a second) that `flops` in `seconds` are: model FLOPs utilisation."""
    return flops / seconds / peak


def refuse_beyond_peak(what: str, flops: float, seconds: float, peak: float) -> None:
    """Raise ValueError where `what` seems to do more FLOPs a second than the device can: counter or clock is wrong."""
    if flops / seconds > NOISE * peak:
        raise ValueError(
            f"{what}: {flops:.3g} counted FLOPs in {seconds:.3g} s are {flops / seconds:.3g} a second, above the "
            f"measured peak of {peak:.3g}; the FLOP counter or the clock is wrong"
        )


def hidden_work(sampler: str, seconds_one: float, seconds_many: float) -> str | None:
    """A flag if MANY evaluations do not take about MANY times as long as one: then something else was timed."""
    ratio = seconds_many / seconds_one
    if ratio > LEAST_RATIO:
        return None
    return f"{sampler}: {MANY} evaluations take only {ratio:.1f} times as long as 1 at batch {MANY_BATCH}"


def odd_batching(sampler: str, nfe: int, batch: int, images_per_second: float, latency_seconds: float) -> str | None:
    """A flag unless a batch takes at least as long as one image, and at most as long as its images one by one."""
    speedup = images_per_second * latency_seconds
    if 1 / BATCH_NOISE <= speedup <= BATCH_NOISE * batch:
        return None
    return f"{sampler} at {nfe}: a batch of {batch} is {speedup:.2g} times as fast as its images one by one"


def shared_cpu(cpu_seconds: float, wall_seconds: float) -> str | None:
    """A flag if a process that never waits got less than nine tenths of a core."""
    share = cpu_seconds / wall_seconds
    return None if share >= 0.9 else f"shared machine: the process got {share:.0%} of a core while it was timed"
