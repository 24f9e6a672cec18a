"""A peer from outside: DDPM by Hugging Face diffusers, its network, noise schedule and samplers as they come.

Source: Ho, Jain & Abbeel, "Denoising Diffusion Probabilistic Models", NeurIPS 2020, equation 14, as
diffusers 0.35.2 implements it; cosine schedule, Adam at 1e-3 and batch 128 as in unit 1 of its course, on MNIST.

Ours: the widths and the space-to-depth before it, which give the parameters of the bench's own U-Net and a third more
FLOPs an evaluation; the average of the weights and the falling rate, which all rows have. To run it, from the project's
root: `python -m benchmarks run results/reference/mnist/peer.toml`, after `pip install diffusers==0.35.2`.
"""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.steps import adam

TIMES = 1000
SCHEDULE = {"num_train_timesteps": TIMES, "beta_schedule": "squaredcos_cap_v2"}
SAMPLERS = {
    "ddim": lambda: DDIMScheduler(**SCHEDULE),
    # Its documentation asks for the bound wherever the schedule is the cosine.
    "dpmpp": lambda: DPMSolverMultistepScheduler(**SCHEDULE, lambda_min_clipped=-5.1),
}


class SpaceToDepth(nn.Module):
    """The predicted noise (B, C, H, W) by a network that sees cells of patch x patch pixels as channels."""

    def __init__(self, net: UNet2DModel, patch: int):
        super().__init__()
        self.net, self.patch = net, patch

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return F.pixel_shuffle(self.net(F.pixel_unshuffle(x, self.patch), t).sample, self.patch)


class DiffusersDDPM(Paradigm):
    title = "DDPM by diffusers"
    era = "step-wise"
    reference = "Ho, Jain & Abbeel 2020; diffusers 0.35.2"
    task = "generation"
    samplers = tuple(SAMPLERS)

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        widths: tuple[int, ...] = (16, 40),
        patch: int = 2,
        lr: float = 1e-3,
        batch_size: int = 128,
        ema_decay: float = 0.999,
    ):
        """widths: channels of the blocks. patch: side of a cell of the space-to-depth. lr: Adam's. ema_decay: ceiling
        of the average's decay per update."""
        super().__init__(shape, n_classes)
        n, channels = len(widths), shape[0] * patch**2
        unet = UNet2DModel(
            sample_size=shape[1] // patch,
            in_channels=channels,
            out_channels=channels,
            block_out_channels=tuple(widths),
            down_block_types=("DownBlock2D",) * n,
            up_block_types=("UpBlock2D",) * n,
            layers_per_block=1,
            norm_num_groups=8,
            add_attention=False,
        )
        self.net = SpaceToDepth(unet, patch)
        self.noise = DDPMScheduler(**SCHEDULE)
        self.lr, self.batch_size, self.ema_decay = lr, batch_size, ema_decay

    def stages(self) -> list[Stage]:
        settings = {"batch_size": self.batch_size, "optimizer": adam(self.lr), "ema_decay": self.ema_decay}
        return [Stage("ddpm", list(self.net.parameters()), self.loss, **settings)]

    def loss(self, batch: Batch) -> Tensor:
        """Squared error of the predicted noise at a uniform time."""
        eps = torch.randn_like(batch.x)
        t = torch.randint(TIMES, (len(batch.x),), device=batch.x.device)
        return F.mse_loss(self.net(self.noise.add_noise(batch.x, eps, t), t), eps)

    def link(self) -> nn.Module:
        return self.net

    @torch.no_grad()
    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        scheduler = SAMPLERS[self.samplers[0] if sampler == "default" else sampler]()
        scheduler.set_timesteps(nfe)
        x = torch.randn(n, *self.shape, generator=generator, device=self.device)
        for t in scheduler.timesteps:
            x = scheduler.step(self.net(x, t), t, x).prev_sample
        return x.clamp(-1, 1)
