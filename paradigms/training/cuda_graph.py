"""A player's loss and gradient as one CUDA graph: captured once, then replayed on every batch.

The operations of a small network are shorter than their launches by the host; a replay launches them all at once. It
draws from the device's generator, at its current seed, what the operations launched one by one would draw, so captured
training equals ordinary training.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.training.stage import Batch, Player, Stage

N_WARMUPS = 3  # libraries allocate in their first calls, which a graph must not contain


class Captured:
    """The CUDA graph of a player's loss and gradient; capturing it changes neither buffers nor the random stream.

    player: a player of a stage that is `steady`, or this stage itself.
    batch: a batch of the size that all batches will have.
    module: the module whose buffers the loss may change.
    """

    def __init__(self, player: Player | Stage, batch: Batch, module: torch.nn.Module):
        self.batch = type(batch)(*(part.clone() for part in batch))
        self.parameters = list(player.parameters)
        before, random_state = [buffer.clone() for buffer in module.buffers()], torch.cuda.get_rng_state()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(N_WARMUPS):
                player.loss(self.batch).backward()
        torch.cuda.current_stream().wait_stream(aside)
        for parameter in self.parameters:
            parameter.grad = None
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            loss = player.loss(self.batch)
            loss.backward()
        self.loss, self.gradients = loss.detach(), [parameter.grad for parameter in self.parameters]
        for buffer, value in zip(module.buffers(), before, strict=True):
            buffer.copy_(value)
        torch.cuda.set_rng_state(random_state)

    def __call__(self, batch: Batch) -> Tensor:
        """Returns the loss of `batch`, a scalar, and leaves its gradient in `.grad`; the next call overwrites both."""
        for kept, given in zip(self.batch, batch, strict=True):
            kept.copy_(given)
        self.graph.replay()
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient
        return self.loss
