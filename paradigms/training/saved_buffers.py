"""Floating-point buffers of a module's state dict, which are averaged together with the parameters."""

from __future__ import annotations

from torch import nn


def saved_float_buffers(module: nn.Module) -> list[tuple[nn.Module, str]]:
    """Returns the places (owner, name) of the floating-point buffers in a module's state dict, each buffer once."""
    places = {
        id(buffer): (owner, name)
        for owner in module.modules()
        for name, buffer in owner._buffers.items()
        if buffer is not None and buffer.is_floating_point() and name not in owner._non_persistent_buffers_set
    }
    return list(places.values())
