"""End-to-end recognition, the AlexNet recipe in small: one network, one loss, no pre-training.

Source: Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012:
ReLU (section 3.1), random shifts and reflections (4.1), dropout (4.2), momentum SGD, weight decay, step decay (5).

symbol    meaning                                   shape
x         image, in [-1, 1]                         (B, C, H, W)
h         activities of the last hidden layer       (B, width)

Differs: two or three 3x3 convolution blocks for small images; PyTorch's default initialisation, which needs no hand-set
biases; no response normalisation; shifts are bilinear, drawn for each image, and repeat its edge. The network "mlp" is
the counterpart of the layer-wise recognisers: their layers and inputs, pixels in [0, 1], without pre-training.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.networks.initialisation import ACTIVATIONS, STARTS, initialise
from paradigms.parts.networks.recogniser import Recogniser
from paradigms.parts.optimizers.momentum import momentum_sgd
from paradigms.parts.options import fractions, one_of, positive
from paradigms.parts.rbm.binary_units import bernoulli, to_units
from paradigms.training.defaults import cosine

CHOICES = {"network": ("convolutional", "mlp"), "activation": tuple(ACTIVATIONS), "start": STARTS}


class EndToEnd(Paradigm):
    title = "End to end (AlexNet recipe)"
    era = "end-to-end"
    reference = "Krizhevsky, Sutskever & Hinton 2012"
    task = "recognition"

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        network: str = "convolutional",
        width: int = 32,
        widths: Sequence[int] = (128, 256),
        activation: str = "relu",
        start: str = "standard",
        normalised: bool = False,
        drawn: bool = False,
        dropout: float = 0.5,
        shift: float = 1 / 16,
        mirror: bool = False,
        lr: float = 0.1,
        weight_decay: float = 5e-4,
    ):
        """network: "convolutional", of `width` channels in its first block, or "mlp", of hidden layers `widths`.
        activation, start, normalised: of its fully connected layers, as in `initialise` and `Recogniser`. drawn: an
        mlp trains on binary states drawn from the pixels, as pre-trained networks do unless told otherwise.
        shift: largest augmenting shift, in sides of the image. mirror: reflect half of the images too."""
        super().__init__(shape, n_classes)
        one_of(CHOICES, network=network, activation=activation, start=start)
        fractions(shift=shift)
        positive(width=width, widths=list(widths))
        self.is_mlp, self.drawn = network == "mlp", drawn
        if self.is_mlp:
            sizes = [shape[0] * shape[1] * shape[2], *widths]
        else:
            self.body, n_units = convolutions(shape, width)
            sizes = [n_units, 4 * width]
        self.head = Recogniser(sizes, n_classes, ACTIVATIONS[activation], dropout, normalised)
        if start != "standard":  # which PyTorch has drawn already
            initialise([*self.head.layers, self.head.softmax], start, activation)
        self.shift, self.mirror, self.lr, self.weight_decay = shift, mirror, lr, weight_decay

    def stages(self) -> list[Stage]:
        return [
            Stage(
                "end to end",
                list(self.parameters()),
                self.loss,
                optimizer=momentum_sgd(self.lr, self.weight_decay),
                schedule=cosine if self.is_mlp else step_decay,
                steady=True,
            )
        ]

    def loss(self, batch: Batch) -> Tensor:
        x = augment(batch.x, self.shift, self.mirror) if self.shift or self.mirror else batch.x
        v = self.units(x)
        return F.cross_entropy(self.head(bernoulli(v) if self.is_mlp and self.drawn else v), batch.label)

    def units(self, x: Tensor) -> Tensor:
        """What enters the fully connected layers: the pixels in [0, 1] (B, C H W), or what the convolutions see."""
        return to_units(x) if self.is_mlp else self.body(x)

    def logits(self, x: Tensor) -> Tensor:
        return self.head(self.units(x))

    def features(self, x: Tensor) -> Tensor:
        return self.head.features(self.units(x))


def convolutions(shape: tuple[int, int, int], width: int) -> tuple[nn.Module, int]:
    """Blocks of 3x3 convolution, ReLU and halving until the side is at most 4, wider at each; and the units left."""
    channels, height, side = shape
    layers: list[nn.Module] = []
    while min(height, side) > 4:
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels, height, side, width = width, height // 2, side // 2, 2 * width
    layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers), width * height * side


def step_decay(progress: float) -> float:
    """Learning-rate factor: divided by 10 at 1/2 and 3/4 and 7/8 of the stage (AlexNet: three times, by hand)."""
    return 0.1 ** sum(progress >= step for step in (0.5, 0.75, 0.875))


def augment(x: Tensor, shift: float, mirror: bool) -> Tensor:
    """Each image (B, C, H, W) moved by up to `shift` of its side along each axis, its edge repeated; maybe reflected.

    Shifts are fractions of a pixel too (bilinear): a whole pixel is too far on 8x8 digits (results/LOG.md).
    """
    move = torch.eye(2, 3, dtype=x.dtype, device=x.device).repeat(len(x), 1, 1)
    # The grid runs from -1 to 1, so that a side is 2 long.
    move[:, :, 2] = 2 * shift * (2 * torch.rand(len(x), 2, dtype=x.dtype, device=x.device) - 1)
    if mirror:
        move[:, 0, 0] = 1 - 2 * bernoulli(torch.full_like(x[:, 0, 0, 0], 0.5))
    grid = F.affine_grid(move, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
