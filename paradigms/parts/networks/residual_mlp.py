"""The shared network without convolutions: a residual MLP on flattened pixels, `net(x_t, t, r, label)`."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.parts.networks.shared_network import SharedNetwork
from paradigms.parts.networks.time import TimeEmbedding


class ResidualLayer(nn.Module):
    """Pre-norm residual layer with the time embedding added to its hidden units."""

    def __init__(self, width: int, time_dim: int):
        super().__init__()
        self.norm, self.inner = nn.LayerNorm(width), nn.Linear(width, 2 * width)
        self.shift, self.outer = nn.Linear(time_dim, 2 * width), nn.Linear(2 * width, width)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        return h + self.outer(F.silu(self.inner(self.norm(h)) + self.shift(time)))


class ResidualMLP(SharedNetwork):
    """Residual MLP, whose output layer starts at zero.

    shape: (C, H, W) of the images.
    width: hidden units; the time embedding has half as many.
    depth: residual layers.
    n_classes: classes that the network is conditioned on; 0 for none.
    """

    def __init__(self, shape: tuple[int, int, int], width: int = 256, depth: int = 3, n_classes: int = 0):
        super().__init__()
        channels, height, width_pixels = shape
        pixels = channels * height * width_pixels
        self.shape, self.time = tuple(shape), TimeEmbedding(width // 2, n_classes)
        self.enter = nn.Linear(pixels, width)
        self.layers = nn.ModuleList(ResidualLayer(width, width // 2) for _ in range(depth))
        self.norm, self.leave = nn.LayerNorm(width), nn.Linear(width, pixels)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def through(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.enter(x.flatten(1))
        for layer in self.layers:
            h = layer(h, time)
        return self.leave(F.silu(self.norm(h))).view(-1, *self.shape)
