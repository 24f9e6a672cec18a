"""A stage: one optimisation problem of a paradigm, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from paradigms.training.defaults import adam, cosine


class Batch(NamedTuple):
    """One batch of training images.

    x: images, (B, C, H, W) float in [-1, 1].
    label: classes, (B,) int64.
    """

    x: Tensor
    label: Tensor


@dataclass(frozen=True)
class Stage:
    """One optimisation problem: a loss, the parameters that minimise it, and how they are updated.

    What is optimised
        name: of the stage, unique within its paradigm; the random seed of every update depends on it.
        parameters: exactly the parameters that are trained; all others are frozen during the stage.
        loss: batch -> scalar with a graph. It may draw random numbers from torch's global generator, which is seeded
            anew before every update, so that resuming reproduces an uninterrupted run.
        share: weight of the stage in the paradigm's budget of training FLOPs, relative to the other stages.
    How it is updated
        batch_size: images per update.
        optimizer: parameters -> optimiser.
        schedule: progress in [0, 1] through the stage -> factor on the optimiser's learning rate.
        clip_norm: largest norm of the gradient, which is scaled down to it; None for no clipping.
        ema_decay: ceiling of the per-update decay of an exponential moving average of the parameters, and of the
            paradigm's saved floating-point buffers, which replaces them at the end of the stage; None for no average.
    When it is run
        begin: called once without gradients when the stage starts, not when it resumes; it may change weights and
            buffers.
        steady: whether every update executes the same operations on the device, whatever is drawn: the loss branches on
            no value and takes no number from the host. Such a stage runs as a CUDA graph on a GPU
            (`training/cuda_graph.py`), which would freeze whatever the host draws or decides.
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
