"""The network that all generators share, by name."""

from __future__ import annotations

from torch import nn

from paradigms.parts.networks.code_generator import CodeGenerator
from paradigms.parts.networks.residual_mlp import ResidualMLP
from paradigms.parts.networks.unet import UNet

BACKBONES = {"unet": UNet, "mlp": ResidualMLP, "code": CodeGenerator}
WIDTHS = {"unet": 16, "mlp": 256, "code": 32}
PREDICT_IMAGES = ("code",)  # their output is an image, whatever is requested


def build(backbone: str, shape: tuple[int, int, int], width: int | None = None, n_classes: int = 0) -> nn.Module:
    """Returns a new network `net(x_t, t, r, label)` -> (B, C, H, W).

    backbone: "unet", "mlp", or "code", a smaller generator for a single step, which ignores the times.
    shape: (C, H, W) of the images.
    width: channels of the U-Net (a multiple of 8) or of the generator, hidden units of the MLP; None for the default of
        `WIDTHS`.
    n_classes: classes that the network is conditioned on; 0 for none.

    Raises ValueError for another backbone.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbone {backbone!r} is unknown; allowed: {', '.join(BACKBONES)}")
    return BACKBONES[backbone](shape, width=width or WIDTHS[backbone], n_classes=n_classes)
