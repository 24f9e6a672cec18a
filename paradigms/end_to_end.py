"""End-to-end recognition, a small version of the AlexNet recipe: one network, one loss, no pre-training.

Source: Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012:
ReLU (section 3.1), random shifts (4.1), dropout (4.2), momentum SGD, weight decay, step decay (5).

symbol    meaning                                   shape
x         image, in [-1, 1]                         (B, C, H, W)
v         input of the fully connected layers       (B, n_units)
h         activations of the last hidden layer      (B, width)

Differs:
- Two to four 3x3 convolutions, for small images; no response normalisation.
- By default PyTorch's initialisation, which needs no hand-set biases.
- Shifts are bilinear, sampled for each image, and repeat the edge; no reflections, which change digits.
- The network "mlp" is the control for the layer-wise recognisers: their layers and their inputs, pixels in [0, 1],
  without pre-training, and with a cosine schedule instead of step decay.
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
from paradigms.parts.rbm.binary_units import to_units
from paradigms.training.defaults import cosine

CHOICES = {"network": ("convolutional", "mlp"), "activation": tuple(ACTIVATIONS), "start": STARTS}


class EndToEnd(Paradigm):
    """End-to-end recognition. Options; a value outside its range raises ValueError:

    Network
        network: "convolutional", or "mlp" (multilayer perceptron).
        width: channels of the first convolution; each further one has twice as many.
        widths: hidden units of each layer of the "mlp".
        activation: hidden units of the fully connected layers: "sigmoid", "tanh", "relu" or "gelu".
        start: initialisation of the fully connected layers: "standard", "glorot" or "he", as in `initialise`.
        normalised: whether batch normalisation precedes their nonlinearity.
    Regularisation
        dropout: probability that a hidden unit of the fully connected layers is dropped, in [0, 1).
        shift: largest random shift of an image along each axis, as a fraction of its side, in [0, 1).
        weight_decay: on weights and convolution kernels.
    Optimiser
        lr: initial learning rate of SGD with momentum.
    """

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
        dropout: float = 0.5,
        shift: float = 1 / 16,
        lr: float = 0.1,
        weight_decay: float = 5e-4,
    ):
        super().__init__(shape, n_classes)
        one_of(CHOICES, network=network, activation=activation, start=start)
        fractions(shift=shift)
        positive(width=width, widths=list(widths))
        self.is_mlp = network == "mlp"
        if self.is_mlp:
            sizes = [shape[0] * shape[1] * shape[2], *widths]
        else:
            self.body, n_units = convolutions(shape, width)
            sizes = [n_units, 4 * width]
        self.head = Recogniser(sizes, n_classes, ACTIVATIONS[activation], dropout, normalised)
        if start != "standard":  # with which PyTorch has initialised the layers already
            initialise([*self.head.layers, self.head.softmax], start, activation)
        self.shift, self.lr, self.weight_decay = shift, lr, weight_decay

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
        """Cross-entropy of the class scores of shifted images, a scalar."""
        x = random_shift(batch.x, self.shift) if self.shift else batch.x
        return F.cross_entropy(self.logits(x), batch.label)

    def units(self, x: Tensor) -> Tensor:
        """Input (B, n_units) of the fully connected layers: pixels in [0, 1], or outputs of the convolutions."""
        return to_units(x) if self.is_mlp else self.body(x)

    def logits(self, x: Tensor) -> Tensor:
        return self.head(self.units(x))

    def features(self, x: Tensor) -> Tensor:
        return self.head.features(self.units(x))


def convolutions(shape: tuple[int, int, int], width: int) -> tuple[nn.Module, int]:
    """Convolutional layers for images of `shape` (C, H, W), and the number of units of their flattened output.

    Blocks of 3x3 convolution, ReLU and 2x2 max pooling, each with twice the channels of the last one from `width` on,
    until the smaller side is at most 4; then one convolution without pooling.
    """
    channels, height, side = shape
    layers: list[nn.Module] = []
    while min(height, side) > 4:
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels, height, side, width = width, height // 2, side // 2, 2 * width
    layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers), width * height * side


def step_decay(progress: float) -> float:
    """Learning-rate factor: divided by 10 at 1/2, 3/4 and 7/8 of the stage (AlexNet: three times, by hand)."""
    return 0.1 ** sum(progress >= step for step in (0.5, 0.75, 0.875))


def random_shift(x: Tensor, shift: float) -> Tensor:
    """Images x (B, C, H, W), each shifted along both axes by up to `shift` of its side, with its edge repeated.

    Shifts include fractions of a pixel (bilinear interpolation): a whole pixel is too far on 8x8 digits
    (results/LOG.md).
    """
    affine = torch.eye(2, 3, dtype=x.dtype, device=x.device).repeat(len(x), 1, 1)
    # The grid runs from -1 to 1, so that a side is 2 long.
    affine[:, :, 2] = 2 * shift * (2 * torch.rand(len(x), 2, dtype=x.dtype, device=x.device) - 1)
    grid = F.affine_grid(affine, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
