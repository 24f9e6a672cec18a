"""What the shared networks have in common: the time is embedded once, and ways to compute the rest faster.

Ways: "bfloat16", autocast of everything but the time, which stays in float32; "channels_last", the weights' layout;
"compiled", by torch.compile, which takes minutes for a U-Net on a CPU and belongs to long runs.

symbol    meaning                                        shape
x         a state of the chain                           (B, C, H, W)
t, r      times, r <= t                                  (B,)
label     the class, if the network is told it           (B,)
time      embedding of t, r and label                    (B, D)
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
    """`net(x, t, r, label)` -> a field like x. A subclass has `time`, a `TimeEmbedding`, and `through(x, time)`."""

    time: nn.Module
    ways: frozenset[str] = frozenset()

    def through(self, x: Tensor, time: Tensor) -> Tensor:
        """The field (B, C, H, W) at states x for embedded times."""
        raise NotImplementedError

    def forward(self, x: Tensor, t: Tensor, r: Tensor, label: Tensor | None = None) -> Tensor:
        time = self.time(t, r, label)
        if not self.ways or _plain.get():
            return self.through(x, time)
        through = _compiled(type(self).through) if "compiled" in self.ways else type(self).through
        with torch.autocast(x.device.type, torch.bfloat16, enabled="bfloat16" in self.ways):
            return through(self, x, time).to(x.dtype)


def accelerate(root: nn.Module, ways: Sequence[str]) -> None:
    """Let every shared network in `root` compute in these ways from now on. Raises ValueError for another word."""
    for way in ways:
        one_of({"compute": WAYS}, compute=way)
    for net in root.modules():
        if isinstance(net, SharedNetwork):
            net.ways = frozenset(ways)
            net.to(memory_format=torch.channels_last if "channels_last" in ways else torch.contiguous_format)


@contextmanager
def plainly() -> Iterator[None]:
    """Inside, shared networks are eager and compute in the precision of what they get.

    For derivatives and instruments: a dual tensor that enters compiled code is dropped without a word (pytorch issue
    187284), its products are hidden there, and a finite difference of numbers with 8 bits is rounding.
    """
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)


@cache
def _compiled(function: Callable) -> Callable:
    return torch.compile(function)
