"""What paradigms with a field `net(x_t, t, r)` do alike: they draw by a sampler, and instruments see their chain."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.parts import samplers
from paradigms.parts.flow import on_path


class FlowChain:
    """The chain of `self.net` on the straight path from noise at step 0 to data at step `nfe`."""

    def link(self) -> nn.Module:
        return self.net

    def allows(self, nfe: int, sampler: str) -> bool:
        return samplers.allows(sampler, nfe)

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        """`nfe` steps of `sampler`, one of `samplers.SAMPLERS`, from standard normal noise."""
        eps = torch.randn(n, *self.shape, generator=generator, device=self.device)
        step = samplers.SAMPLERS[self.samplers[0] if sampler == "default" else sampler]
        return step(self.net, eps, nfe).clamp(-1, 1)

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        eps = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return on_path(x, eps, samplers.grid(nfe, x)[step])

    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        if sampler not in ("euler", "jump"):
            raise NotImplementedError(f"a step of sampler {sampler!r} is not one link from one state")
        t, r = samplers.grid(nfe, state)[step : step + 2]
        return state - self.net(state, t, r if sampler == "jump" else t) / nfe
