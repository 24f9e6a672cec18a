"""A small strided network from images to numbers: the discriminator of a GAN, the encoder of a VAE.

Source: layers as in DCGAN (Radford, Metz & Chintala, 2016, arXiv 1511.06434) without normalisation; classes: Miyato &
Koyama, "cGANs with projection discriminator", ICLR 2018 (arXiv 1802.05637), equation 4.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.parts.networks.code_generator import SLOPE


class Strided(nn.Module):
    """Network from images (B, C, H, W) to (B, n_out): a 3x3 convolution, then two 4x4 ones of stride 2, then linear.

    shape: (C, H, W) of the images, H and W divisible by 4.
    width: channels of the first convolution; the others have two and four times as many.
    n_out: numbers per image.
    bias: whether the last layer has one; a score of which only differences count has none.
    n_classes: classes that it is conditioned on, by their products with the last activities; 0 for none.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, n_out: int, bias: bool = True, n_classes: int = 0):
        super().__init__()
        channels, height, side = shape
        if height % 4 or side % 4:
            raise ValueError(f"images of {height} x {side}; allowed: sides that 4 divides")
        size = 4 * width * (height // 4) * (side // 4)
        self.enter = nn.Conv2d(channels, width, 3, padding=1)
        self.shrink1 = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)
        self.shrink2 = nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1)
        self.leave = nn.Linear(size, n_out, bias)
        self.classes = nn.Embedding(n_classes, size) if n_classes else None

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        h = x
        for layer in (self.enter, self.shrink1, self.shrink2):
            h = F.leaky_relu(layer(h), SLOPE)
        h = h.flatten(1)
        out = self.leave(h)
        return out if self.classes is None else out + (self.classes(label) * h).sum(1, keepdim=True) / h.shape[1] ** 0.5
