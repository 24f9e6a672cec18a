"""Conditional flow matching by TorchCFM, a peer for `diffusion`: its network, path and loss, torchdiffeq's integrators.

Source: Tong et al., "Improving and generalizing flow-based generative models with minibatch optimal transport", TMLR
2024, independent coupling (I-CFM), as torchcfm 1.0.7 implements it; Adam at 1e-3, batch 128 and one residual block a
resolution as in its example on MNIST.

symbol    meaning                                       shape
t         TorchCFM's time: 0 = noise, 1 = data         (B,)

Differs from its example: the space-to-depth before the network; 32 channels at both resolutions (0.27 M parameters;
this project's U-Net has 0.22 M); the average of the weights and the falling learning rate, as in all variants here. To
run it, from the project's root: `pip install torchcfm==1.0.7 torchdiffeq==0.2.5`, then
`python -m benchmarks run results/reference/mnist/peer.toml`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchcfm.conditional_flow_matching import ConditionalFlowMatcher
from torchcfm.models.unet import UNetModel
from torchdiffeq import odeint

from paradigms.base import Batch, Paradigm, Stage
from paradigms.training.defaults import adam

EVALUATIONS = {"euler": 1, "midpoint": 2}  # of the network, per step


class SpaceToDepth(nn.Module):
    """Velocity (B, C, H, W), by a network whose input and output channels are cells of patch x patch pixels."""

    def __init__(self, net: nn.Module, patch: int):
        super().__init__()
        self.net, self.patch = net, patch

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return F.pixel_shuffle(self.net(t, F.pixel_unshuffle(x, self.patch)), self.patch)


class TorchCFM(Paradigm):
    title = "Flow matching by TorchCFM"
    era = "step-wise"
    reference = "Tong et al. 2024; torchcfm 1.0.7"
    task = "generation"
    samplers = tuple(EVALUATIONS)

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        width: int = 32,
        multipliers: Sequence[int] = (1, 1),
        patch: int = 2,
        lr: float = 1e-3,
        batch_size: int = 128,
        ema_decay: float = 0.999,
    ):
        """Build the network and the path.

        width: channels of the network, a multiple of 32
        multipliers: factors of `width`, one per resolution
        patch: side of a cell of the space-to-depth, pixels
        lr: learning rate of Adam
        batch_size: images per update
        ema_decay: upper bound of the decay of the weights' average, per update
        """
        super().__init__(shape, n_classes)
        size = (shape[0] * patch**2, shape[1] // patch, shape[2] // patch)
        unet = UNetModel(dim=size, num_channels=width, num_res_blocks=1, channel_mult=tuple(multipliers))
        self.net, self.path = SpaceToDepth(unet, patch), ConditionalFlowMatcher(sigma=0.0)
        self.lr, self.batch_size, self.ema_decay = lr, batch_size, ema_decay

    def stages(self) -> list[Stage]:
        settings = {"batch_size": self.batch_size, "optimizer": adam(self.lr), "ema_decay": self.ema_decay}
        return [Stage("conditional flow matching", list(self.net.parameters()), self.loss, **settings)]

    def loss(self, batch: Batch) -> Tensor:
        """Mean squared error of the predicted velocity at uniform times; a scalar."""
        t, x_t, velocity = self.path.sample_location_and_conditional_flow(torch.randn_like(batch.x), batch.x)
        return F.mse_loss(self.net(x_t, t), velocity)

    def link(self) -> nn.Module:
        return self.net

    def allows(self, nfe: int, sampler: str) -> bool:
        return nfe >= 1 and nfe % EVALUATIONS[sampler] == 0

    @torch.no_grad()
    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        method = self.samplers[0] if sampler == "default" else sampler
        noise = torch.randn(n, *self.shape, generator=generator, device=self.device)
        times = torch.linspace(0, 1, nfe // EVALUATIONS[method] + 1, device=self.device)
        return odeint(lambda t, x: self.net(x, t), noise, times, method=method)[-1].clamp(-1, 1)
