"""A stage's loss and gradient as one CUDA graph: captured once, then replayed on every batch.

A small network leaves a GPU waiting for the host to launch its next operation; a replay launches them all at once. It
draws from torch's generator on the device as the same operations would if launched one by one, from whatever seed that
has at the time, so a captured run is the same run.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.training.stage import Batch, Stage

N_WARMUPS = 3  # of what libraries set up in their first calls, which no graph may hold


class Captured:
    """The graph of `stage` for batches as large as `batch`; the stage has to be `steady`.

    module: whose buffers the loss may move. A capture leaves them, and the random stream, as they were.
    """

    def __init__(self, stage: Stage, batch: Batch, module: torch.nn.Module):
        self.batch = type(batch)(*(part.clone() for part in batch))
        self.parameters = list(stage.parameters)
        before, random_state = [buffer.clone() for buffer in module.buffers()], torch.cuda.get_rng_state()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(N_WARMUPS):
                stage.loss(self.batch).backward()
        torch.cuda.current_stream().wait_stream(aside)
        for parameter in self.parameters:
            parameter.grad = None
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            loss = stage.loss(self.batch)
            loss.backward()
        self.loss, self.gradients = loss.detach(), [parameter.grad for parameter in self.parameters]
        for buffer, value in zip(module.buffers(), before, strict=True):
            buffer.copy_(value)
        torch.cuda.set_rng_state(random_state)

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of `batch`, a scalar; its gradient is in `.grad`. Both are overwritten by the next call."""
        for kept, given in zip(self.batch, batch, strict=True):
            kept.copy_(given)
        self.graph.replay()
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient
        return self.loss
