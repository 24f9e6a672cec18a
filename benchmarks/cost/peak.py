"""Peak FLOPs per second of the device: the upper bound for everything that is counted as FLOPs.

Two kinds of operations are measured, because libraries differ: on some processors a convolution is more than twice as
fast as a matrix product. FLOPs of a convolution are counted as the FLOP counter does, whatever algorithm runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from benchmarks.cost.clock import time_calls

MATRICES = {"cpu": (256, 512, 1024), "cuda": (2048, 4096, 8192)}  # rows and columns
CHANNELS = {"cpu": (64, 128, 256), "cuda": (128, 256, 512)}
IMAGES = {"cpu": (32, 8), "cuda": (64, 32)}  # batch, and height and width
KERNEL = 3
SECONDS = 0.05  # of measurement per size


def measure_peaks(device: torch.device | str) -> dict[str, float]:
    """Returns the FLOPs per second of either kind of operation in float32, the best of several sizes, by its name in
    a record: n x n matrix products, 2 n^3 FLOPs, and convolutions of KERNEL x KERNEL with c channels on both sides,
    2 KERNEL^2 c^2 FLOPs per pixel.

    It uses torch's current number of threads. On a GPU matrix products use TF32 if convolutions may, as they do by
    default, because the bound must be that of the fastest unit that the measured code can run on.
    """
    device = torch.device(device)
    with _as_fast_as_convolutions(device):
        matmul = max(_rate(*_product(n, device), device) for n in MATRICES[device.type])
    convolution = max(_rate(*_convolution(c, device), device) for c in CHANNELS[device.type])
    return {"matmul_peak_flops_per_second": matmul, "convolution_peak_flops_per_second": convolution}


def _product(n: int, device: torch.device) -> tuple[Callable, int]:
    """Returns a matrix product, and its FLOPs."""
    a, b, out = (torch.ones(n, n, device=device) for _ in range(3))
    return lambda: torch.mm(a, b, out=out), 2 * n**3


def _convolution(channels: int, device: torch.device) -> tuple[Callable, int]:
    """Returns a convolution of a batch of images, and its FLOPs."""
    batch, side = IMAGES[device.type]
    shapes = (batch, channels, side, side), (channels, channels, KERNEL, KERNEL)
    x, weight = (torch.ones(shape, device=device).to(memory_format=torch.channels_last) for shape in shapes)
    return lambda: F.conv2d(x, weight, padding=KERNEL // 2), 2 * batch * side**2 * KERNEL**2 * channels**2


@torch.no_grad()
def _rate(call: Callable, flops: int, device: torch.device) -> float:
    return flops / time_calls(call, device, SECONDS / 2, 3, SECONDS).median_seconds


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
