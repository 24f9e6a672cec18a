"""Two-sample statistics of two sets of states: unbiased energy distance with its noise, and a classifier's accuracy.

The classifier is ridge regression on the units and their absolute deviations. Nearest neighbours fail for these states,
since a point of wide noise has its nearest neighbours among narrow data.

Source: Szekely and Rizzo, "Energy statistics", 2013 (the U-statistic); Lopez-Paz and Oquab, "Revisiting classifier
two-sample tests", ICLR 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor

N_SPLITS = 20
RIDGE = 0.1
SIGNIFICANT = 4.0  # two distributions count as different if their energy distance exceeds this many times its noise
SEED = 2012


def pooled(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances (2 n, 2 n), float64, between all rows of a (n, ...) followed by b (n, ...)."""
    pool = torch.cat([a, b]).flatten(1).double()
    return torch.cdist(pool, pool).fill_diagonal_(0.0)


def energy_distance(table: Tensor) -> float:
    """Unbiased energy distance 2 E|a - b| - E|a - a'| - E|b - b'|; it may be negative near equality.

    table: `pooled(a, b)`. Row i of a is never compared with row i of b, so the two may share their noise row by row:
    that causes no bias and lowers the variance.
    """
    n = len(table) // 2
    return float(_energies(table, torch.ones(n, 1, dtype=torch.bool)))


def energy_noise(table: Tensor) -> float:
    """Standard deviation of `energy_distance` for equal distributions, by random exchanges of rows i of a and b."""
    generator = torch.Generator().manual_seed(SEED)
    return float(_energies(table, torch.rand(len(table) // 2, N_SPLITS, generator=generator) < 0.5).std())


def _energies(table: Tensor, stays: Tensor) -> Tensor:
    """Energy distance (S,) for every column of `stays` (n, S), where rows i of a and b are exchanged if it is False."""
    n = len(stays)
    left = torch.cat([stays, ~stays]).to(table)
    right = 1 - left
    to_left, to_right = table @ left, table @ right
    partners = table[:n, n:].diagonal().sum()
    between = (right * to_left).sum(0) - partners
    return (2 * between - (left * to_left).sum(0) - (right * to_right).sum(0)) / (n * (n - 1))


def two_sample_accuracy(a: Tensor, b: Tensor) -> float:
    """Accuracy in [0, 1] of a classifier of a (n, ...) against b (n, ...), two-fold cross-validated; 0.5 if equal."""
    pool = torch.cat([a, b]).flatten(1).double()
    row = torch.arange(len(pool), device=pool.device)
    truth = torch.where(row < len(a), 1.0, -1.0).double()
    fold = row % len(a) % 2 == 0  # rows that share noise stay together
    correct = sum(float((_fitted(pool[~f], truth[~f], pool[f]).sign() == truth[f]).sum()) for f in (fold, ~fold))
    return correct / len(pool)


def _fitted(known: Tensor, truth: Tensor, queries: Tensor) -> Tensor:
    """Ridge regression in its kernel form, since there may be more features than rows; predictions (m,) for queries."""
    middle = known.mean(0)
    known, queries = (torch.cat([z, (z - middle).abs()], dim=1) for z in (known, queries))
    mean, sd = known.mean(0), known.std(0)
    known, queries = ((z - mean) / (sd + 1e-6) for z in (known, queries))
    kernel = known @ known.T / known.shape[1]
    ridge = RIDGE * torch.eye(len(known), dtype=kernel.dtype, device=kernel.device)
    return queries @ known.T / known.shape[1] @ torch.linalg.solve(kernel + ridge, truth)
