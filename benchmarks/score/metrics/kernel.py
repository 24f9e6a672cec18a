"""Kernel distance of two sets of features (Binkowski et al. 2018): unbiased squared MMD of the whole sets, float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor

CHUNK = 1000


def kernel_distance(features: Tensor, reference: Tensor) -> tuple[float, float | None]:
    """(MMD^2, standard error) with kernel (x.y / D + 1)^3 of features (n, D) and reference (m, D).

    Unbiased at any size, so it may be negative near equality. All pairs are used, where the paper averages over random
    subsets: the same expectation, less variance, no draw. The standard error is the jackknife over single rows of both
    sets; near equality it is too large rather than too small, as the statistic is degenerate there. Needs 2 rows a
    set; the error needs 3, else it is None.
    """
    x, y = features.double(), reference.double()
    xx, yy = (_sums(z, z)[0] - _kernel_of_self(z) for z in (x, y))
    xy, yx = _sums(x, y)
    value = float(_mmd(xx.sum(), len(x), yy.sum(), len(y), xy.sum()))
    if min(len(x), len(y)) < 3:
        return value, None
    # Without row i, both sums over its own set lose the pairs (i, j) and (j, i).
    without_x = _mmd(xx.sum() - 2 * xx, len(x) - 1, yy.sum(), len(y), xy.sum() - xy)
    without_y = _mmd(xx.sum(), len(x), yy.sum() - 2 * yy, len(y) - 1, xy.sum() - yx)
    variance = sum((len(left) - 1) * left.var(correction=0) for left in (without_x, without_y))
    return value, math.sqrt(float(variance))


def _mmd(xx: Tensor, n: int, yy: Tensor, m: int, xy: Tensor) -> Tensor:
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)


def _sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of the kernel over y (m, D) for each row of x (n, D), and over x for each row of y."""
    rows, columns = [], torch.zeros(len(y), dtype=y.dtype, device=y.device)
    for part in x.split(CHUNK):
        base = torch.addmm(y.new_ones(()), part, y.T, alpha=1 / x.shape[1])
        kernel = base.square().mul_(base)
        rows.append(kernel.sum(1))
        columns += kernel.sum(0)
    return torch.cat(rows), columns


def _kernel_of_self(x: Tensor) -> Tensor:
    return (x.square().sum(1) / x.shape[1] + 1).pow(3)
