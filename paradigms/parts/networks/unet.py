"""The small U-Net that all generators share: `net(x_t, t, r, label)` -> (B, C, H, W).

Forward-mode derivatives pass through it: it has GroupNorm only, no in-place operation, no fused attention and no
dropout. The output layer starts at zero, so an untrained chain is the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.parts.networks.shared_network import SharedNetwork
from paradigms.parts.networks.time import TimeEmbedding


class Norm(nn.GroupNorm):
    """GroupNorm that keeps its input's memory layout but computes in the contiguous one, which is faster on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        if x.is_contiguous():
            return super().forward(x)
        return super().forward(x.contiguous()).contiguous(memory_format=torch.channels_last)


class Block(nn.Module):
    """Residual block: two 3x3 convolutions, the time embedding added between them.

    It is added, not multiplied, because scale modulation makes the derivative with respect to time explode (sCM, arXiv
    2410.11081, section 4).
    """

    def __init__(self, n_in: int, n_out: int, time_dim: int):
        super().__init__()
        self.norm1, self.conv1 = Norm(8, n_in), nn.Conv2d(n_in, n_out, 3, padding=1)
        self.shift = nn.Linear(time_dim, n_out)
        self.norm2, self.conv2 = Norm(8, n_out), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.skip = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x))) + self.shift(time)[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(h)))


class UNet(SharedNetwork):
    """U-Net of two resolutions, with one block per resolution on the way down and up and `n_middle` blocks between.

    shape: (C, H, W) of the images, H and W divisible by 2 * patch.
    width: channels at the upper resolution, a multiple of 8; the lower one has three times as many.
    n_middle: blocks at the lower resolution, between the way down and the way up.
    patch: side of the space-to-depth cell at the input; None for 1 up to 16 pixels and 2 above.
    n_classes: classes that the network is conditioned on; 0 for none.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 16,
        n_middle: int = 1,
        patch: int | None = None,
        n_classes: int = 0,
    ):
        super().__init__()
        channels, height, _ = shape
        self.patch = patch or (1 if height <= 16 else 2)
        pixels, lower, time_dim = channels * self.patch**2, 3 * width, 8 * width
        self.time = TimeEmbedding(time_dim, n_classes)
        self.enter = nn.Conv2d(pixels, width, 3, padding=1)
        self.down1 = Block(width, width, time_dim)
        self.shrink = nn.Conv2d(width, lower, 3, stride=2, padding=1)
        self.down2 = Block(lower, lower, time_dim)
        self.middle = nn.ModuleList(Block(lower, lower, time_dim) for _ in range(n_middle))
        self.up2 = Block(2 * lower, lower, time_dim)
        self.grow = nn.Conv2d(lower, width, 3, padding=1)
        self.up1 = Block(2 * width, width, time_dim)
        self.norm, self.leave = Norm(8, width), nn.Conv2d(width, pixels, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def through(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.enter(F.pixel_unshuffle(x, self.patch))
        if not torch.is_grad_enabled():
            # Sampling on a CPU is a tenth to a third faster so; an update would not be.
            h = h.contiguous(memory_format=torch.channels_last)
        upper = self.down1(h, time)
        lower = self.down2(self.shrink(upper), time)
        h = lower
        for block in self.middle:
            h = block(h, time)
        h = self.up2(torch.cat([h, lower], dim=1), time)
        h = F.interpolate(self.grow(h), scale_factor=2.0, mode="nearest")
        h = self.up1(torch.cat([h, upper], dim=1), time)
        return F.pixel_shuffle(self.leave(F.silu(self.norm(h))), self.patch)
