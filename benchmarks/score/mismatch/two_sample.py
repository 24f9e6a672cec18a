"""How far apart two sets of states are: unbiased energy distance with its noise, and a classifier on both.

Source: Szekely & Rizzo, "Energy statistics", 2013 (the U-statistic); Lopez-Paz & Oquab, "Revisiting classifier
two-sample tests", ICLR 2017. The classifier is ridge regression on units and their sizes: nearest neighbours fail here,
since a point of wide noise has its nearest neighbours among narrow data.
"""

from __future__ import annotations

import torch
from torch import Tensor

N_SPLITS = 20
RIDGE = 0.1
SURE = 4.0  # times its noise that an energy distance must be for two laws to be called different
SEED = 2012


def pooled(a: Tensor, b: Tensor) -> Tensor:
    """Distances |z_i - z_j| between all states of a (n, ...) and b (n, ...), a first: (2 n, 2 n) in float64."""
    pool = torch.cat([a, b]).flatten(1).double()
    return torch.cdist(pool, pool).fill_diagonal_(0.0)


def energy_distance(table: Tensor) -> float:
    """2 E|a - b| - E|a - a'| - E|b - b'| of a `pooled` table: unbiased, so negative at times near equality.

    Row i of a is never set against row i of b. So the two may share their noise, row by row, which is no bias and makes
    the estimate sharper by what they have in common.
    """
    n = len(table) // 2
    return float(_energies(table, torch.ones(n, 1, dtype=torch.bool)))


def energy_noise(table: Tensor) -> float:
    """Standard deviation of that estimate if both laws were one: rows i of a and b change places at random."""
    generator = torch.Generator().manual_seed(SEED)
    return float(_energies(table, torch.rand(len(table) // 2, N_SPLITS, generator=generator) < 0.5).std())


def _energies(table: Tensor, stays: Tensor) -> Tensor:
    """The energy distance for every column of `stays` (n, S): row i of a is in the first set where it is true."""
    n = len(stays)
    left = torch.cat([stays, ~stays]).to(table)
    right = 1 - left
    to_left, to_right = table @ left, table @ right
    partners = table[:n, n:].diagonal().sum()
    between = (right * to_left).sum(0) - partners
    return (2 * between - (left * to_left).sum(0) - (right * to_right).sum(0)) / (n * (n - 1))


def two_sample_accuracy(a: Tensor, b: Tensor) -> float:
    """Share of states of a (n, ...) and b (n, ...) that a classifier fitted on the other half tells: .5 is equality."""
    pool = torch.cat([a, b]).flatten(1).double()
    row = torch.arange(len(pool), device=pool.device)
    truth = torch.where(row < len(a), 1.0, -1.0).double()
    fold = row % len(a) % 2 == 0  # rows that share noise stay together
    right = sum(float((_fitted(pool[~f], truth[~f], pool[f]).sign() == truth[f]).sum()) for f in (fold, ~fold))
    return right / len(pool)


def _fitted(known: Tensor, truth: Tensor, asked: Tensor) -> Tensor:
    """Kernel form of ridge regression on standardised units and their sizes: there may be more of them than rows."""
    middle = known.mean(0)
    known, asked = (torch.cat([z, (z - middle).abs()], dim=1) for z in (known, asked))
    mean, sd = known.mean(0), known.std(0)
    known, asked = ((z - mean) / (sd + 1e-6) for z in (known, asked))
    kernel = known @ known.T / known.shape[1]
    ridge = RIDGE * torch.eye(len(known), dtype=kernel.dtype, device=kernel.device)
    return asked @ known.T / known.shape[1] @ torch.linalg.solve(kernel + ridge, truth)
