"""Checks that measured costs are possible: a violation is flagged in the record, or raises."""

from __future__ import annotations

from collections.abc import Sequence

NOISE = 1.1  # on one core, medians of the same code differ by up to a tenth
MANY = 50  # evaluations whose time is compared to that of one
MANY_BATCH = 64
LEAST_RATIO = 20.0  # of these two times
BATCH_NOISE = 1.5  # factor between measurements at different moments
MAX_SPREAD = 0.25  # between the slowest and the fastest round
MAX_EFFICIENCY = 1.05  # above 1 by noise alone


def utilisation(flops: float, seconds: float, peak: float) -> float:
    """Returns the model FLOPs utilisation: the share of the peak (FLOPs per second) that `flops` in `seconds` are."""
    return flops / seconds / peak


def refuse_beyond_peak(what: str, flops: float, seconds: float, peak: float) -> None:
    """Raises ValueError where more FLOPs per second were measured than the device can execute.

    what: name of the measured call.
    flops: counted in one call.
    seconds: of one call.
    peak: FLOPs per second of the device.
    """
    if utilisation(flops, seconds, peak) > NOISE:
        raise ValueError(
            f"{what}: {flops:.3g} counted FLOPs in {seconds:.3g} s are {flops / seconds:.3g} a second, above the "
            f"measured peak of {peak:.3g}; the FLOP counter or the clock is wrong"
        )


def hidden_work(sampler: str, seconds_one: float, seconds_many: float) -> str | None:
    """Returns a flag where MANY evaluations take less than LEAST_RATIO times as long as one, else None.

    Such a sampler does not execute its evaluations, or the clock does not wait for them.
    """
    ratio = seconds_many / seconds_one
    if ratio > LEAST_RATIO:
        return None
    return f"{sampler}: {MANY} evaluations take only {ratio:.1f} times as long as 1 at batch {MANY_BATCH}"


def odd_batching(sampler: str, nfe: int, batch: int, images_per_second: float, latency_seconds: float) -> str | None:
    """Returns a flag unless a batch takes at least as long as one image and at most as long as its images one by one.

    images_per_second: in a batch of `batch` images.
    latency_seconds: of one image alone.
    """
    speedup = images_per_second * latency_seconds
    if 1 / BATCH_NOISE <= speedup <= BATCH_NOISE * batch:
        return None
    return f"{sampler} at {nfe}: a batch of {batch} is {speedup:.2g} times as fast as its images one by one"


def unsteady(sampler: str, nfe: int, batch: int, round_seconds: Sequence[float]) -> str | None:
    """Returns a flag where the slowest round took more than MAX_SPREAD longer than the fastest, else None.

    round_seconds: median seconds of a call in each round.
    """
    spread = max(round_seconds) / min(round_seconds) - 1
    if spread <= MAX_SPREAD:
        return None
    return f"{sampler} at {nfe}: rounds of a batch of {batch} differ by {spread:.0%}"


def beyond_whole(sampler: str, nfe: int, efficiency: float | None) -> str | None:
    """Returns a flag where the evaluations alone take longer than the sampler that makes them, else None.

    efficiency: share of the sampler's time that its evaluations take; None where it is not known.
    """
    if efficiency is None or efficiency <= MAX_EFFICIENCY:
        return None
    return f"{sampler} at {nfe}: its evaluations alone take {efficiency:.0%} of its time"


def shared_cpu(cpu_seconds: float, wall_seconds: float) -> str | None:
    """Returns a flag where a process that never waits got less than nine tenths of a core, else None."""
    share = cpu_seconds / wall_seconds
    return None if share >= 0.9 else f"shared machine: the process got {share:.0%} of a core while it was timed"
