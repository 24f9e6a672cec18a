"""What training on several devices costs on each of them and on all together."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence

import torch

from benchmarks.budget import StagePlan
from paradigms.training.ranks import Ranks


def devices(ranks: Ranks, plans: Sequence[StagePlan], reports: Sequence[dict], device: torch.device) -> dict:
    """Returns {"devices": {"n", "images_per_second", "images_per_second_per_device", "peak_memory_bytes",
    "peak_memory_bytes_per_device"}} of a training; empty for one device, whose costs timing cells measure.

    images_per_second: images of all updates over the seconds of training.
    peak_memory_bytes: sum over the devices of the peak of tensor memory; on CPU cores, of the resident set size.

    ranks: the processes that trained.
    plans, reports: of the stages, from `plan_stages` and from `Fit`.
    device: of this process.
    """
    if ranks.n == 1:
        return {}
    seconds = sum(report["seconds"] for report in reports)
    rate = sum(plan.updates * plan.batch_size for plan in plans) / seconds if seconds else None
    peaks = [int(peak) for peak in ranks.each(float(_peak_bytes(device)))]
    return {
        "devices": {
            "n": ranks.n,
            "images_per_second": rate,
            "images_per_second_per_device": rate and rate / ranks.n,
            "peak_memory_bytes": sum(peaks),
            "peak_memory_bytes_per_device": peaks,
        }
    }


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
