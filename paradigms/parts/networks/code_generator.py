"""A small generator from a code: the network of a one-step generator that is no U-Net.

Source: layers as in DCGAN (Radford, Metz & Chintala, 2016, arXiv 1511.06434) without normalisation, which R3GAN
(arXiv 2501.05441) does without too; nearest-neighbour doubling before a convolution instead of a strided one: Odena,
Dumoulin & Olah, "Deconvolution and checkerboard artifacts", 2016; initialisation: He, Zhang, Ren & Sun, "Delving deep
into rectifiers", ICCV 2015 (arXiv 1502.01852), equation 15.

symbol    meaning                                                   shape
x_t       noise in the form of an image; the code is its start      (B, C, H, W)
code      the first `CODE` numbers of x_t, or all there are         (B, CODE)
label     class, where the network is conditioned on it             (B,)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CODE = 64
SLOPE = 0.2  # of the leaky rectifiers, as in DCGAN


class CodeGenerator(nn.Module):
    """Network `net(x_t, t, r, label)` -> image (B, C, H, W) in [-1, 1], which depends on neither time.

    A linear map to a quarter of the sides, two doublings with a 3x3 convolution after each, tanh.

    shape: (C, H, W) of the images, H and W divisible by 4.
    width: channels.
    n_classes: classes that it is conditioned on, beside the code; 0 for none.

    Raises ValueError for another shape.
    """

    def __init__(self, shape: tuple[int, int, int], width: int = 32, n_classes: int = 0):
        super().__init__()
        channels, height, side = shape
        if height % 4 or side % 4:
            raise ValueError(f"backbone = 'code' for images of {height} x {side}; allowed: sides that 4 divides")
        self.small, self.n_classes = (width, height // 4, side // 4), n_classes
        self.code = min(CODE, math.prod(shape))
        self.enter = nn.Linear(self.code + n_classes, math.prod(self.small))
        self.middle, self.leave = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, channels, 3, padding=1)
        for layer in (self.enter, self.middle, self.leave):
            # With PyTorch's default all samples start almost alike: their standard deviation is 0.06, that of the
            # digits 0.46. With this one it is 0.5.
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            nn.init.zeros_(layer.bias)

    def forward(self, x_t: Tensor, t: Tensor, r: Tensor, label: Tensor | None = None) -> Tensor:
        code = x_t.flatten(1)[:, : self.code]
        if self.n_classes:
            if label is None:
                raise ValueError("label = None; a class-conditional network needs the labels (B,) of its rows")
            code = torch.cat([code, F.one_hot(label, self.n_classes).to(code)], 1)
        h = F.leaky_relu(self.enter(code), SLOPE).view(-1, *self.small)
        h = F.leaky_relu(self.middle(F.interpolate(h, scale_factor=2.0)), SLOPE)
        return self.leave(F.interpolate(h, scale_factor=2.0)).tanh()
