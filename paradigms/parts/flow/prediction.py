"""What the network itself predicts, behind one contract `field(x_t, t, r, label)`: velocity, image, or EDM's mixture.

Source: image: Lu et al., "Pixel mean flows", 2026 (arXiv 2601.22158), section 3; EDM: Karras, Aittala, Aila & Laine,
"Elucidating the design space of diffusion-based generative models", NeurIPS 2022, equation 7 and table 1.

symbol    meaning                                                              shape
x_t       (1 - t) x + t eps                                                    (B, C, H, W)
sigma     t / (1 - t): x_t / (1 - t) = x + sigma eps, which EDM writes about   (B,)
spread    standard deviation of the data
n         sqrt(t^2 + spread^2 (1 - t)^2), the standard deviation of x_t        (B, 1, 1, 1)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.parts.flow.flow import Field, over_image

EARLIEST = 0.05  # time that a predicted image is divided by at least


class Image(nn.Module):
    """The network predicts where the chain ends: (x_t - net) / t, which suits networks narrower than the image."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x_t: Tensor, t: Tensor, r: Tensor, *label: Tensor) -> Tensor:
        return (x_t - self.net(x_t, t, r, *label)) / over_image(t.clamp(min=EARLIEST), x_t)


class EDM(nn.Module):
    """Input and output of the network have unit variance at every time, and it never predicts what it is given.

    With D = c_skip z + c_out net(c_in z), z = x_t / (1 - t), the velocity (x_t - D) / t has no singularity left.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net
        self.register_buffer("spread", torch.tensor(0.5))

    def observe(self, x: Tensor) -> None:
        """Take the spread from training images x (N, C, H, W)."""
        self.spread = x.std()

    def forward(self, x_t: Tensor, t: Tensor, r: Tensor, *label: Tensor) -> Tensor:
        n, s = self.scale(t, x_t), over_image(t, x_t)
        skip = (s - self.spread.square() * (1 - s)) / n.square()
        return skip * x_t - self.spread / n * self.net(x_t / n, t, r, *label)

    def scale(self, t: Tensor, like: Tensor) -> Tensor:
        """n at times t (B,), shaped to multiply images `like`."""
        s = over_image(t, like)
        return (s.square() + self.spread.square() * (1 - s).square()).sqrt()

    def weight(self, t: Tensor, like: Tensor) -> Tensor:
        """Of a squared error of the velocity, so that the network's own errors count alike at every time."""
        return (self.scale(t, like) / self.spread).square()


def scaled_noise(field: Field, scale: float) -> Field:
    """The field whose predicted noise is that of `field` over `scale`; 1 leaves it as it is.

    Source: Ning et al., "Elucidating the exposure bias in diffusion models", ICLR 2024, equation 9: a little above 1
    takes back what a chain has too much of on its own states.
    """
    if scale == 1:
        return field

    def scaled(x_t: Tensor, t: Tensor, r: Tensor) -> Tensor:
        velocity, s = field(x_t, t, r), over_image(t, x_t)
        clean, noise = x_t - s * velocity, x_t + (1 - s) * velocity
        return noise / scale - clean

    return scaled


PREDICTIONS = {"image": Image, "edm": EDM}
OF_ANY_STEP = ("velocity", "image")  # those that make sense of a step of any length


def predicting(kind: str, net: nn.Module) -> nn.Module:
    """The field of a network that predicts `kind`: for "velocity" it is the network itself."""
    return PREDICTIONS[kind](net) if kind in PREDICTIONS else net
