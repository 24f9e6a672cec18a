"""The network that all generators share, by name."""

from __future__ import annotations

from torch import nn

from paradigms.parts.networks.residual_mlp import ResidualMLP
from paradigms.parts.networks.unet import UNet

BACKBONES = {"unet": UNet, "mlp": ResidualMLP}
WIDTHS = {"unet": 16, "mlp": 256}


def build(backbone: str, shape: tuple[int, int, int], width: int | None = None, n_classes: int = 0) -> nn.Module:
    """Returns a new network `net(x_t, t, r, label)` -> (B, C, H, W).

    backbone: "unet" or "mlp".
    shape: (C, H, W) of the images.
    width: channels of the U-Net (a multiple of 8) or hidden units of the MLP; None for the default of `WIDTHS`.
    n_classes: classes that the network is conditioned on; 0 for none.

    Raises ValueError for another backbone.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbone {backbone!r} is unknown; allowed: {', '.join(BACKBONES)}")
    return BACKBONES[backbone](shape, width=width or WIDTHS[backbone], n_classes=n_classes)
