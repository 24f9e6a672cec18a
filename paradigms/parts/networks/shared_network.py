"""Base class of the shared networks: one embedding of the times, and faster ways to compute the rest.

"bfloat16": autocast of everything but the time embedding, which stays in float32.
"channels_last": memory layout of the weights.
"compiled": torch.compile, which takes minutes for a U-Net on a CPU and pays in long runs only.

symbol    meaning                                         shape
x         a state of the chain                            (B, C, H, W)
t, r      times, r <= t                                   (B,)
label     class, where the network is conditioned on it   (B,)
time      embedding of t, r and label                     (B, D)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import torch
from torch import Tensor, nn

from paradigms.parts.options import one_of

WAYS = ("bfloat16", "channels_last", "compiled")

_plain = ContextVar("plain", default=False)


class SharedNetwork(nn.Module):
    """Network `net(x, t, r, label)` -> (B, C, H, W).

    A subclass provides `time`, a `TimeEmbedding`, and `through`.

    ways: of `WAYS`, how it computes; set by `accelerate`.
    """

    time: nn.Module
    ways: frozenset[str] = frozenset()

    def through(self, x: Tensor, time: Tensor) -> Tensor:
        """Returns the output (B, C, H, W) for states x and embedded times."""
        raise NotImplementedError

    def forward(self, x: Tensor, t: Tensor, r: Tensor, label: Tensor | None = None) -> Tensor:
        time = self.time(t, r, label)
        if not self.ways or _plain.get():
            return self.through(x, time)
        through = _compiled(type(self).through) if "compiled" in self.ways else type(self).through
        with torch.autocast(x.device.type, torch.bfloat16, enabled="bfloat16" in self.ways):
            return through(self, x, time).to(x.dtype)


def accelerate(root: nn.Module, ways: Sequence[str]) -> None:
    """Makes every shared network in `root` compute in these `ways`. Raises ValueError for an unknown one."""
    for way in ways:
        one_of({"compute": WAYS}, compute=way)
    for net in root.modules():
        if isinstance(net, SharedNetwork):
            net.ways = frozenset(ways)
            net.to(memory_format=torch.channels_last if "channels_last" in ways else torch.contiguous_format)


@contextmanager
def plainly() -> Iterator[None]:
    """Context in which shared networks run eagerly and in the precision of their inputs, whatever their `ways`.

    For derivatives and for counting FLOPs: compiled code silently drops the tangent of a dual tensor (pytorch issue
    187284) and hides its matrix products from the counter, and a finite difference of bfloat16 numbers is rounding
    error.
    """
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)


@cache
def _compiled(function: Callable) -> Callable:
    return torch.compile(function)
