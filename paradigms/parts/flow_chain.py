"""The states of a flow's chain, for instruments: what `diffusion`, `meanflow` and `unrolled` share."""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.parts.flow import on_path
from paradigms.parts.samplers import grid


class FlowChain:
    """The chain of a field `net(x_t, t, r)` on the straight path from noise at step 0 to data at step `nfe`."""

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        eps = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return on_path(x, eps, grid(nfe, x)[step])

    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        if sampler not in ("euler", "jump"):
            raise NotImplementedError(f"a step of sampler {sampler!r} is not one link from one state")
        t, r = grid(nfe, state)[step : step + 2]
        return state - self.net(state, t, r if sampler == "jump" else t) / nfe
