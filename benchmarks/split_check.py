"""Whether a batch may be split over ranks: a stage for which that would train something else is refused.

A paradigm need not know of ranks, so it is tried: the loss and the gradient of a whole batch, computed by one process,
must be the mean of those of the ranks. In float64 they agree up to rounding, and a loss that compares rows, or draws
random numbers in a way that cannot be split, does not.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from benchmarks.errors import BadInput
from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.networks.shared_network import plainly
from paradigms.training.ranks import Ranks

TOLERANCE = 1e-6  # of loss, gradient and buffers, each relative to its largest size; float64 rounds at 1e-16
JITTER = 0.02  # added to the weights, since an output layer that starts at zero hides the layers before it


def check_split(paradigm: Paradigm, x: Tensor, label: Tensor) -> None:
    """Check every stage of an untrained paradigm, whose `ranks` will train it; it is not changed.

    x, label: the training split, (N, C, H, W) and (N,), equal on every rank.

    Raises BadInput, on every rank, where the ranks do not divide a stage's batch, or where splitting it would change
    what is trained.
    """
    ranks = paradigm.ranks
    for stage in paradigm.stages():
        check_divisible(stage, len(x), ranks.n)
    twin = copy.deepcopy(paradigm).double()
    for stage in twin.stages():
        rows = slice(0, min(stage.batch_size, len(x)))
        images = x[rows].double()
        batch = Batch(images, label[rows].to(images.device))
        torch.manual_seed(0)
        twin.enter(stage, 1)
        with torch.no_grad():
            stage.begin()
            for parameter in stage.trained:
                parameter.add_(JITTER * torch.randn_like(parameter))
        for number in range(-len(stage.players), 0):
            error = max(ranks.each(_difference(twin, number, batch, ranks)))
            if not error <= TOLERANCE:  # also where it is NaN
                raise BadInput(
                    f"devices = {ranks.n}: {type(paradigm).__name__}, stage {stage.name!r}: the loss of a batch is not "
                    f"the mean of the losses of its parts (relative difference {error:.1g}), so they cannot be split; "
                    "use devices = 1, or `whole` as docs/add-a-method.md describes"
                )
        twin.leave()


def check_divisible(stage: Stage, n_images: int, n_ranks: int) -> None:
    """Raises BadInput where a stage's batches cannot be split into equal parts."""
    size = min(stage.batch_size, n_images)
    if size % n_ranks:
        raise BadInput(
            f"devices = {n_ranks}: stage {stage.name!r} has batches of {size} images, which cannot be split equally; "
            "choose a number of devices that divides it, or another batch_size"
        )


def _difference(twin: Paradigm, number: int, batch: Batch, ranks: Ranks) -> float:
    """Largest relative difference between a player's loss, gradient and buffers by all ranks and by this process."""
    alone = _evaluated(twin, number, batch, Ranks())
    split = _evaluated(twin, number, Batch(*map(ranks.rows, batch)), ranks)
    return max(
        float((there - here).abs().max() / here.abs().max().clamp(min=1e-12))
        for here, there in zip(alone, split, strict=True)
        if here.numel()
    )


def _evaluated(twin: Paradigm, number: int, batch: Batch, ranks: Ranks) -> list[Tensor]:
    """A player's loss, its gradient, and the saved buffers as the loss leaves them; the buffers are put back."""
    buffers = {name: buffer for name, buffer in twin.named_buffers() if name in twin.state_dict()}
    before = {name: buffer.clone() for name, buffer in buffers.items()}
    twin.ranks = Ranks(ranks.rank, ranks.n)
    torch.manual_seed(1)
    with plainly():
        loss = twin.loss_and_gradient(batch, number)
    gradients = [p.grad for p in twin.stage.players[number].parameters if p.grad is not None]
    gradient = torch.cat([g.flatten().clone() for g in gradients])
    after = [buffer.double().clone() for buffer in buffers.values()]
    for name, buffer in buffers.items():
        buffer.copy_(before[name])
    return [loss, gradient, *after]
