"""Kernel distance of two sets of features (Binkowski et al. 2018): unbiased squared MMD of the whole sets, float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from benchmarks.columns import Column
from benchmarks.score.scored_samples import ScoredSamples

CHUNK = 1000

COLUMNS = [
    Column(
        "kid",
        unit="none (squared kernel units)",
        direction="lower",
        meaning="Kernel inception distance to the test split in the features of the first extractor: the unbiased "
        "squared maximum mean discrepancy (MMD) with a cubic kernel.",
        formula="mean k(x, x') + mean k(y, y') - 2 mean k(x, y), with k(x, y) = (x.y / D + 1)^3 and x, x' "
        "different samples",
        source="Binkowski et al. 2018, section 4, on all pairs instead of random subsets",
        misleads="It is unbiased, so it may be negative where the two distributions are nearly equal. Like FID it "
        "depends on the extractor.",
        head="KID",
    ),
    Column(
        "kid_se",
        unit="as kid",
        direction=None,
        meaning="Standard error of `kid` due to the finite sets of samples and test images.",
        formula="jackknife over single rows of both sets",
        source="jackknife (Efron and Stein 1981)",
        misleads="It does not contain the variation between training seeds. Near equality it is too large rather "
        "than too small.",
    ),
]


def compute(samples: ScoredSamples) -> dict[str, float | None]:
    """kid and its standard error, by the first extractor."""
    kid, error = kernel_distance(samples.features(), samples.real.by_extractor[0].reference)
    return {"kid": kid, "kid_se": error}


def kernel_distance(features: Tensor, reference: Tensor) -> tuple[float, float | None]:
    """(squared MMD, standard error) of features (n, D) and reference (m, D) with the kernel (x.y / D + 1)^3.

    Unbiased at any size, so it may be negative near equality. All pairs are used, where the paper averages over random
    subsets: the same expectation, less variance, no draw. The standard error is the jackknife over single rows of both
    sets; near equality it is too large rather than too small, as the statistic is degenerate there. Each set needs 2
    rows; with fewer than 3 the error is None.
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
