"""Directional derivative of a network with respect to its inputs, by three methods; none keeps a graph.

"jvp": PyTorch's forward mode. It costs three forward passes, since it also multiplies by the weights' tangents, which
are zero (pytorch issue 69687).
"stream": forward mode by hand, the tangent passed through the layers beside the values. It costs two forward passes;
each kind of layer needs a rule, and a layer without one raises.
"difference": a central difference. It costs two forward passes and errs by about 1e-3 in float32.

symbol    meaning                                                        shape
value     output of a layer                                              any
tangent   its derivative along the direction                             like value
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from paradigms.parts.networks.shared_network import plainly

STEP = 1e-3  # of the central difference: below it rounding errors grow, above it those of the time features' curvature

Function = Callable[..., Tensor]


class Dual:
    """A value and its tangent, accepted by modules in place of a tensor."""

    def __init__(self, value: Tensor, tangent: Tensor):
        self.value, self.tangent = value, tangent

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func not in RULES:
            raise NotImplementedError(f"derivative 'stream' has no rule for {func.__name__}; allowed: 'jvp'")
        return RULES[func](func, *args, **(kwargs or {}))

    def __add__(self, other: Dual | Tensor) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.tangent + other.tangent)
        return Dual(self.value + other, self.tangent)

    def __sub__(self, other: Dual) -> Dual:
        return Dual(self.value - other.value, self.tangent - other.tangent)

    def __mul__(self, other: Tensor) -> Dual:
        return Dual(self.value * other, self.tangent * other)

    def __truediv__(self, other: Dual) -> Dual:
        ratio = self.value / other.value
        return Dual(ratio, (self.tangent - ratio * other.tangent) / other.value)

    def __getitem__(self, key) -> Dual:
        return self.both(lambda part: part[key])

    def both(self, linear: Callable[[Tensor], Tensor]) -> Dual:
        """Returns the result of a linear function, which acts equally on value and tangent."""
        return Dual(linear(self.value), linear(self.tangent))

    def view(self, *shape: int) -> Dual:
        return self.both(lambda part: part.view(shape))

    def flatten(self, start: int) -> Dual:
        return self.both(lambda part: part.flatten(start))

    def contiguous(self, **layout) -> Dual:
        return self.both(lambda part: part.contiguous(**layout))

    def is_contiguous(self) -> bool:
        return self.value.is_contiguous()

    def dim(self) -> int:
        return self.value.dim()

    def sin(self) -> Dual:
        return Dual(self.value.sin(), self.value.cos() * self.tangent)

    def cos(self) -> Dual:
        return Dual(self.value.cos(), -self.value.sin() * self.tangent)

    def clamp(self, min: float) -> Dual:
        return Dual(self.value.clamp(min=min), self.tangent * (self.value >= min))


def _linear(func: Function, x: Dual, *args, **kwargs) -> Dual:
    return x.both(lambda part: func(part, *args, **kwargs))


def _weighted(func: Function, x: Dual, weight: Tensor, bias: Tensor | None, *args) -> Dual:
    return Dual(func(x.value, weight, bias, *args), func(x.tangent, weight, None, *args))


def _cat(func: Function, parts: Sequence[Dual], dim: int = 0) -> Dual:
    return Dual(func([part.value for part in parts], dim), func([part.tangent for part in parts], dim))


def _silu(func: Function, x: Dual, inplace: bool = False) -> Dual:
    # Elementwise: the factor that the backward pass applies to a gradient is the one for the tangent.
    return Dual(func(x.value), torch.ops.aten.silu_backward(x.tangent, x.value))


def _group_norm(func: Function, x: Dual, num_groups: int, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Dual:
    n, channels, *side = x.value.shape
    shape = n, channels, math.prod(side), num_groups
    value, mean, inverse = torch.native_group_norm(x.value, weight, bias, *shape, eps)
    # The Jacobian of a normalisation is symmetric, so its backward kernel without the scale also maps tangents.
    back = torch.ops.aten.native_group_norm_backward
    tangent = back(x.tangent, x.value, mean, inverse, None, *shape, [True, False, False])[0]
    return Dual(value, tangent * weight.view(-1, *[1] * len(side)))


def _layer_norm(func: Function, x: Dual, shape: Sequence[int], weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Dual:
    value, mean, inverse = torch.native_layer_norm(x.value, shape, weight, bias, eps)
    back = torch.ops.aten.native_layer_norm_backward
    tangent = back(x.tangent, x.value, shape, mean, inverse, None, None, [True, False, False])[0]
    return Dual(value, tangent * weight)


RULES = {
    F.linear: _weighted,
    torch.conv2d: _weighted,
    F.pixel_unshuffle: _linear,
    F.pixel_shuffle: _linear,
    F.interpolate: _linear,
    torch.cat: _cat,
    F.silu: _silu,
    F.group_norm: _group_norm,
    F.layer_norm: _layer_norm,
}


def forward_mode(net: Function, at: Sequence[Tensor], along: Sequence[Tensor]) -> Tensor:
    """Returns d/dh net(*(at + h along)) at h = 0, by PyTorch's forward-mode differentiation.

    net: function of several tensors.
    at: its inputs.
    along: the direction, one tensor like each input.
    """
    with plainly():
        return torch.func.jvp(net, tuple(at), tuple(along))[1]


@torch.no_grad()
def stream(net: Function, at: Sequence[Tensor], along: Sequence[Tensor]) -> Tensor:
    """Returns the same by passing tangents through the layers.

    Raises NotImplementedError for a layer without a rule.
    """
    with plainly():
        return net(*(Dual(value, tangent) for value, tangent in zip(at, along, strict=True))).tangent


@torch.no_grad()
def difference(net: Function, at: Sequence[Tensor], along: Sequence[Tensor]) -> Tensor:
    """Returns the same by a central difference, with an error of order `STEP` squared."""
    ahead, behind = ([value + h * tangent for value, tangent in zip(at, along, strict=True)] for h in (STEP, -STEP))
    with plainly():
        return (net(*ahead) - net(*behind)) / (2 * STEP)


DERIVATIVES = {"jvp": forward_mode, "stream": stream, "difference": difference}
