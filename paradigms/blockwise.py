"""A network cut into blocks, each trained alone on its own range of noise, or all through one loss at the end.

Source: Shing et al., "DiffusionBlocks: Blockwise training for generative models via score-based diffusion", 2025 (arXiv
2506.14202): a deep residual network is a discretised denoising process, so each of its blocks can be trained as the
denoiser of its own range of noise levels, without gradient between blocks; the loss at the end: Aiyer et al. 2023
(arXiv 2301.07969).

symbol    meaning                                                               shape
x, eps    data in [-1, 1]; standard normal noise                                (B, C, H, W)
t         time, 0 = data, 1 = noise                                             (B,)
x_t       (1 - t) x + t eps                                                     (B, C, H, W)
n_blocks  blocks; block b = 0, ... is for times in (b / n_blocks, (b + 1) / n_blocks]
net       net(x_t, t, t): the velocity, computed by the block of time t         (B, C, H, W)
label     class, where the network is conditioned on it                         (B,)

The whole network is its chain of n_blocks Euler steps from t = 1 to 0, one step per block: n_blocks evaluations. With
training = "local" every block is a stage with the flow-matching loss on its own times. With "end-to-end" there is one
stage, and the loss is the MMD of the samples at the end of the same chain.

Differs: a block is a small U-Net, not a group of transformer layers. Ranges are equally long in t, so that equal steps
use every block equally; in the paper they have equal probability under the training noise. Times are uniform in a
range. The optimiser is Muon, as for all generators here.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import draw_rows, marginal_velocity, on_path, reference_rows
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.losses.sample_loss import N_REAL, SampleLoss
from paradigms.parts.options import one_of, positive

TRAININGS = ("local", "end-to-end")
ROUNDING = 1e-4  # of a time on the grid


class Blocks(nn.Module):
    """Networks for consecutive ranges of time.

    blocks: the networks, that of the smallest times first.
    """

    def __init__(self, blocks: list[nn.Module]):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, t: Tensor, r: Tensor, *label: Tensor, block: int | None = None) -> Tensor:
        """Returns the velocity (B, C, H, W) by one block for all rows: `block`, or that of the first row's time."""
        if block is None:
            block = max(0, math.ceil(float(t[0]) * len(self.blocks) - ROUNDING) - 1)
        return self.blocks[block](x, t, r, *label)


class Blockwise(FlowChain, Paradigm):
    """Blocks of one chain, trained locally or end to end.

    Network
        backbone: of every block, "unet" or "mlp".
        width: channels or hidden units of the backbone; None for its default.
        n_blocks: number of blocks, which is the number of steps of the chain.
        conditional: whether the network is conditioned on the class.
    Loss
        training: "local" or "end-to-end".
        loss: at the end of the chain, "mmd", "energy" or "drifting".
    Optimisation
        lr: Muon's learning rate, for convolutions.
        lr_adam: Adam's learning rate, for all other parameters.
        batch_size: images per update.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "Blockwise (a block per range of noise)"
    era = "layer-wise"
    reference = "Shing et al. 2025, arXiv 2506.14202"
    task = "generation"
    samplers = ("euler",)

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str = "unet",
        width: int | None = None,
        n_blocks: int = 4,
        conditional: bool = False,
        training: str = "local",
        loss: str = "mmd",
        lr: float = 2e-2,
        lr_adam: float = 5e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        one_of({"training": TRAININGS}, training=training)
        positive(n_blocks=n_blocks, batch_size=batch_size)
        self.net = Blocks([self.network(backbone, width) for _ in range(n_blocks)])
        self.n_blocks, self.way, self.at_end = n_blocks, training, SampleLoss(loss)
        self.lr, self.lr_adam, self.batch_size, self.ema_decay = lr, lr_adam, batch_size, ema_decay
        self.register_buffer("real", torch.empty(0), persistent=False)

    def observe(self, x: Tensor, label: Tensor) -> None:
        super().observe(x, label)
        self.real = self.joint(x, self.condition(label))
        self.at_end.observe(self.real)

    def stages(self) -> list[Stage]:
        if self.way == "end-to-end":
            return [self.net_stage("chain", self.chain_loss)]
        blocks = enumerate(self.net.blocks)
        return [
            self.net_stage(f"block {b}", partial(self.block_loss, b), parameters=list(block.parameters()))
            for b, block in blocks
        ]

    def block_loss(self, b: int, batch: Batch) -> Tensor:
        """Returns the flow-matching loss of block b on its own times, a scalar."""
        x, eps = batch.x, torch.randn_like(batch.x)
        t = (b + 1 - torch.rand(len(x), dtype=x.dtype, device=x.device)) / self.n_blocks
        x_t, reference = on_path(x, eps, t), reference_rows(batch, self.rows)
        target = marginal_velocity(x_t, t, reference.x, reference.of_class_of(batch))
        return (self.velocity(b, x_t, t, self.condition(batch.label)) - target).square().mean()

    def chain_loss(self, batch: Batch) -> Tensor:
        """Returns the distance of the chain's samples from the training split, a scalar.

        batch: gives the number of samples and, if the network is conditioned on them, their classes.
        """
        x, label = torch.randn_like(batch.x), self.condition(batch.label)
        for b in reversed(range(self.n_blocks)):
            t = torch.full((len(x),), (b + 1) / self.n_blocks, dtype=x.dtype, device=x.device)
            x = x - self.velocity(b, x, t, label) / self.n_blocks
        return self.at_end(self.joint(x, label), draw_rows(self.real, N_REAL))

    def velocity(self, b: int, x_t: Tensor, t: Tensor, label: Tensor | None) -> Tensor:
        """Returns the velocity (B, C, H, W) that block b computes."""
        return self.net(x_t, t, t, *([] if label is None else [label]), block=b)

    def allows(self, nfe: int, sampler: str) -> bool:
        return nfe >= 1 and nfe % self.n_blocks == 0
