"""Which network the generators share: `build` is the one place that decides it."""

from __future__ import annotations

from torch import nn

from paradigms.parts.networks.residual_mlp import ResidualMLP
from paradigms.parts.networks.unet import UNet

BACKBONES = {"unet": UNet, "mlp": ResidualMLP}
WIDTHS = {"unet": 16, "mlp": 256}


def build(backbone: str, shape: tuple[int, int, int], width: int | None = None, n_classes: int = 0) -> nn.Module:
    """The network `net(x_t, t, r, label)` of that name; width None takes its default, n_classes 0 needs no label.

    Raises ValueError on other names.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbone {backbone!r} is unknown; allowed: {', '.join(BACKBONES)}")
    return BACKBONES[backbone](shape, width=width or WIDTHS[backbone], n_classes=n_classes)
