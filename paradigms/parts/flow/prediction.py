"""What the network's output means: a velocity, an image, or EDM's mixture; each as a field `field(x_t, t, r, label)`.

Source: image: Lu et al., "Pixel mean flows", 2026 (arXiv 2601.22158), section 3; EDM: Karras, Aittala, Aila & Laine,
"Elucidating the design space of diffusion-based generative models", NeurIPS 2022, equation 7 and table 1.

symbol    meaning                                                              shape
x_t       (1 - t) x + t eps                                                    (B, C, H, W)
sigma     t / (1 - t), EDM's noise level: x_t / (1 - t) = x + sigma eps        (B,)
spread    standard deviation of the data, EDM's sigma_data
n         sqrt(t^2 + spread^2 (1 - t)^2), the standard deviation of x_t        (B, 1, 1, 1)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.parts.flow.flow import over_image

EARLIEST = 0.05  # smallest time that is divided by where the network predicts the image


class Image(nn.Module):
    """A network that predicts the image at the end of the chain, as the velocity (x_t - net) / t.

    Suits networks that are narrower than the image.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x_t: Tensor, t: Tensor, r: Tensor, *label: Tensor) -> Tensor:
        return (x_t - self.net(x_t, t, r, *label)) / over_image(t.clamp(min=EARLIEST), x_t)


class EDM(nn.Module):
    """A network in EDM's form, whose input and target have unit variance at every time.

    With EDM's denoiser D = c_skip z + c_out net(c_in z) at z = x_t / (1 - t), the velocity (x_t - D) / t simplifies to
    an expression without a singularity at t = 0 or 1, which is what `forward` computes.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net
        self.register_buffer("spread", torch.tensor(0.5))

    def observe(self, x: Tensor) -> None:
        """Takes the standard deviation of the data from training images x (N, C, H, W)."""
        self.spread = x.std()

    def forward(self, x_t: Tensor, t: Tensor, r: Tensor, *label: Tensor) -> Tensor:
        n, s = self.scale(t, x_t), over_image(t, x_t)
        skip = (s - self.spread.square() * (1 - s)) / n.square()
        return skip * x_t - self.spread / n * self.net(x_t / n, t, r, *label)

    def scale(self, t: Tensor, like: Tensor) -> Tensor:
        """Returns n at times t (B,), reshaped to multiply images `like`."""
        s = over_image(t, like)
        return (s.square() + self.spread.square() * (1 - s).square()).sqrt()

    def weight(self, t: Tensor, like: Tensor) -> Tensor:
        """Returns the weight of a squared velocity error under which errors of the network's output count equally.

        t: times, (B,).
        like: images, (B, C, H, W); the weight has shape (B, 1, 1, 1).
        """
        return (self.scale(t, like) / self.spread).square()


PREDICTIONS = {"image": Image, "edm": EDM}
OF_ANY_STEP = ("velocity", "image")  # predictions that are defined for a step of any length


def predicting(kind: str, net: nn.Module) -> nn.Module:
    """Returns the field of a network whose output is `kind`; a `kind` outside `PREDICTIONS` means the velocity."""
    return PREDICTIONS[kind](net) if kind in PREDICTIONS else net
