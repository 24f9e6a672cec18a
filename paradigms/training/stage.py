"""One optimisation problem: what is trained, on which loss, by which optimiser, for which share of the budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from paradigms.training.defaults import adam, cosine


class Batch(NamedTuple):
    """One batch of real images: x (B, C, H, W) in [-1, 1] and label (B,) int64."""

    x: Tensor
    label: Tensor


@dataclass(frozen=True)
class Stage:
    """One optimisation problem: a loss, exactly the parameters that move, and how they move.

    loss: batch -> scalar with gradient. It may draw from torch's global generator, which the base seeds anew at each
        update, so that a resumed run is the uninterrupted one.
    share: weight of this stage in the paradigm's FLOP budget, relative to the other stages.
    schedule: progress in [0, 1] -> factor on the optimiser's learning rate.
    ema_decay: None, or the ceiling of the decay of an average of the parameters. The stage ends by adopting the
        average, so whatever comes after it (sampling too) uses averaged weights.
    begin: called once when the stage starts (not when it resumes), before anything is counted or moved.
    steady: whether every update runs the same operations, all of them on the device, whatever is drawn: no branch on
        a value, no number from the host. Such a stage is captured as a CUDA graph where there is a GPU
        (`parts/captured`); what the host draws or decides in one that is not would be frozen with it.
    """

    name: str
    parameters: Sequence[nn.Parameter]
    loss: Callable[[Batch], Tensor]
    share: float = 1.0
    batch_size: int = 128
    optimizer: Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer] = adam()  # noqa: RUF009 (a pure factory)
    schedule: Callable[[float], float] = cosine
    clip_norm: float | None = None
    ema_decay: float | None = None
    begin: Callable[[], None] = lambda: None
    steady: bool = False
