"""The processes that train one model together: each has the same weights and its rows of every batch.

Gradients are averaged after the backward pass and before clipping and the optimiser, so every rank makes the same step.
There is no wrapper around the model: the same path serves statistics that a loss writes into `.grad`, several players,
and forward-mode derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from paradigms.training.split import Share, gathered, splitting, summed


class RanksDiffer(RuntimeError):
    """Ranks that must hold equal tensors do not; the message is one line."""


@dataclass
class Ranks:
    """This process among those that train together; by default it is alone, and nothing is communicated.

    rank: of this process.
    n: number of processes, members of the default group of `torch.distributed` where there are several.
    reached: which parameters of a player receive a gradient, by a name of the player.
    """

    rank: int = 0
    n: int = 1
    reached: dict[object, list[bool]] = field(default_factory=dict)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    @contextmanager
    def splitting(self, n_whole: int) -> Iterator[int]:
        """Inside, this process computes with its rows of `n_whole`, as `split` describes; gives their number."""
        if self.n == 1:
            yield n_whole
            return
        with splitting(self.rank, self.n, n_whole):
            yield len(range(self.rank, n_whole, self.n))

    def rows(self, whole: Tensor) -> Tensor:
        """Returns this process's rows of a whole batch, (B, ...) -> (B / n, ...)."""
        return whole if self.n == 1 else whole[self.rank :: self.n]

    def gathered(self, rows: Tensor, n_whole: int) -> Tensor:
        """Returns the rows of all processes in the order of the whole, (n_whole, ...), without gradient."""
        return rows if self.n == 1 else gathered(rows, Share(self.rank, self.n, 0, n_whole))

    def average(self, player: object, loss: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
        """Averages a player's gradients over the ranks, in place; returns the mean of its losses, a detached scalar.

        player: what names it and its stage.
        """
        loss = loss.detach()
        if self.n == 1:
            return loss
        reached = self._reached(player, parameters)
        for parameter, wanted in zip(parameters, reached, strict=True):
            if wanted and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            elif not wanted and parameter.grad is not None:
                raise RanksDiffer("a parameter receives its first gradient after the first update of its stage")
        gradients = [p.grad for p, wanted in zip(parameters, reached, strict=True) if wanted]
        flat = summed(torch.cat([part.flatten() for part in (loss.to(gradients[0]), *gradients)])) / self.n
        values = flat.split([1, *(g.numel() for g in gradients)])
        for gradient, mean in zip(gradients, values[1:], strict=True):
            gradient.copy_(mean.view_as(gradient))
        return values[0].view(()).to(loss.dtype)

    def _reached(self, player: object, parameters: Sequence[nn.Parameter]) -> list[bool]:
        """Which parameters get a gradient on any rank in the player's first update; an optimiser skips the others."""
        if player not in self.reached:
            own = torch.tensor([p.grad is not None for p in parameters], dtype=torch.int64, device=parameters[0].device)
            self.reached[player] = (summed(own) > 0).tolist()
        return self.reached[player]

    def sum(self, value: float) -> float:
        """Returns the sum of a number over all processes."""
        return sum(self.each(value))

    def each(self, value: float) -> list[float]:
        """Returns the numbers of all processes."""
        if self.n == 1:
            return [value]
        device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
        return self.gathered(torch.tensor([value], dtype=torch.float64, device=device), self.n).tolist()

    def agree(self, answer: bool) -> bool:
        """Returns the answer of the first process, for questions that depend on when they are asked."""
        return bool(self.each(float(answer))[0])

    def check_equal(self, module: nn.Module, where: str) -> None:
        """Raises RanksDiffer where a parameter or buffer of the state dict is not equal, to the bit, on every rank."""
        for name, value in module.state_dict().items() if self.n > 1 else ():
            theirs = value.detach().clone(memory_format=torch.contiguous_format)
            torch.distributed.broadcast(theirs, 0)
            # Summed, so that every rank learns of it and none waits for another that has given up.
            if self.sum(float(not torch.equal(theirs, value))):
                raise RanksDiffer(f"{where}: {name} is not the same on every rank")
