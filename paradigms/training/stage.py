"""A stage: one optimisation problem of a paradigm, or a game of several players, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
class Player:
    """A side of a stage that has several: its own loss, parameters and optimiser.

    parameters: exactly the parameters that it trains. In its turn those of all other players are frozen.
    loss: batch -> scalar with a graph, as that of a Stage.
    optimizer: parameters -> optimiser.
    clip_norm: largest norm of the gradient, which is scaled down to it; None for no clipping.
    turns: steps of the optimiser per update, all on the same images; every step has its own random numbers.
    """

    parameters: Sequence[nn.Parameter]
    loss: Callable[[Batch], Tensor]
    optimizer: Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer] = adam()  # noqa: RUF009 (a pure factory)
    clip_norm: float | None = None
    turns: int = 1


@dataclass(frozen=True)
class Stage:
    """One optimisation problem: a loss, the parameters that minimise it, and how they are updated.

    A stage may be a game. Then it is the last of several players: `rivals` take their turns before it in every update.
    Curves and gradient reach are about the stage's own loss; budgets, averages and checkpoints are about all players.

    What is optimised
        name: of the stage, unique within its paradigm; the random seed of every update depends on it.
        parameters: exactly the parameters that are trained; all others are frozen during the stage.
        loss: batch -> scalar with a graph. It may draw random numbers from torch's global generator, which is seeded
            anew before every update, so that resuming reproduces an uninterrupted run. On several devices it gets the
            rows of one of them; where it is no mean over rows, it says how they belong together (`training/split.py`).
        share: weight of the stage in the paradigm's budget of training FLOPs, relative to the other stages.
        rivals: the other players, in the order of their turns, such as a discriminator; no parameter has two players.
    How it is updated
        batch_size: images per update.
        optimizer: parameters -> optimiser.
        schedule: progress in [0, 1] through the stage -> factor on the learning rate of every player's optimiser.
        clip_norm: largest norm of the gradient, which is scaled down to it; None for no clipping.
        turns: steps of its optimiser per update, as in `Player`.
        ema_decay: ceiling of the per-update decay of an exponential moving average of all players' parameters, and of
            the paradigm's saved floating-point buffers, which replaces them at the end of the stage; None for no
            average.
        after_update: called without gradients after every update with the progress in [0, 1] through the stage; None
            for nothing. A teacher follows its student here. It changes weights and buffers in place, since a CUDA graph
            reads them where they were.
    When it is run
        begin: called once without gradients when the stage starts, not when it resumes; it may change weights and
            buffers.
        steady: whether every update executes the same operations on the device, whatever is drawn: the loss branches on
            no value and takes no number from the host. Such a stage runs as a CUDA graph per player on a GPU
            (`training/cuda_graph.py`), which would freeze whatever the host draws or decides.

    A loss that changes in the course of training (a curriculum) reads the paradigm's `progress`, a scalar tensor in
    [0, 1]; the FLOPs of an update must not depend on it, since the budget is planned from the first one.
    """

    name: str
    parameters: Sequence[nn.Parameter]
    loss: Callable[[Batch], Tensor]
    share: float = 1.0
    batch_size: int = 128
    optimizer: Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer] = adam()  # noqa: RUF009 (a pure factory)
    schedule: Callable[[float], float] = cosine
    clip_norm: float | None = None
    rivals: Sequence[Player] = ()
    turns: int = 1
    ema_decay: float | None = None
    after_update: Callable[[float], None] | None = None
    begin: Callable[[], None] = lambda: None
    steady: bool = False

    @property
    def players(self) -> list[Player | Stage]:
        """All players in the order of their turns; the stage itself is the last one."""
        return [*self.rivals, self]

    @property
    def trained(self) -> list[nn.Parameter]:
        """The parameters of all players, those of the stage itself first."""
        return [parameter for player in (self, *self.rivals) for parameter in player.parameters]

    @contextmanager
    def turn_of(self, player: Player | Stage) -> Iterator[None]:
        """Inside, the parameters of `player` receive gradients and no others do; afterwards the stage's own do."""
        if player is self:
            yield
            return
        try:
            _train(player, self.players)
            yield
        finally:
            _train(self, self.players)


def _train(trained: Player | Stage, players: Sequence[Player | Stage]) -> None:
    for player in players:
        for parameter in player.parameters:
            parameter.requires_grad_(player is trained)
