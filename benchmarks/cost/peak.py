"""Peak FLOPs per second of the device in matrix products, the upper bound for everything that is counted as FLOPs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmarks.cost.clock import time_calls

SIZES = {"cpu": (256, 512, 1024), "cuda": (2048, 4096, 8192)}
SECONDS = 0.05  # of measurement per size


def matmul_peak(device: torch.device | str) -> float:
    """Returns the FLOPs per second of square float32 products: 2 n^3 / median seconds, the best of several sizes n.

    It uses torch's current number of threads. On a GPU it uses TF32 if convolutions may, as they do by default, because
    the bound must be that of the fastest unit that the measured code can run on.
    """
    device = torch.device(device)
    with _as_fast_as_convolutions(device):
        return max(_rate(n, device) for n in SIZES[device.type])


@torch.no_grad()
def _rate(n: int, device: torch.device) -> float:
    a, b, out = (torch.ones(n, n, device=device) for _ in range(3))
    timing = time_calls(lambda: torch.mm(a, b, out=out), device, SECONDS / 2, 3, SECONDS)
    return 2 * n**3 / timing.median_seconds


@contextmanager
def _as_fast_as_convolutions(device: torch.device) -> Iterator[None]:
    if device.type != "cuda":
        yield
        return
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = before or torch.backends.cudnn.allow_tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
