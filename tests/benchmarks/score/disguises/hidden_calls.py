"""Euler with eight evaluations per counted one: seven calls go around the hook, or all eight run inside the link.

Source: none.
"""

import torch
from torch import nn

from paradigms.base import Paradigm, Stage


class Net(nn.Module):
    """One velocity field; with `steps` above 1, a chain of so many Euler steps in one call."""

    def __init__(self, size, steps=1):
        super().__init__()
        self.layers, self.steps = nn.Sequential(nn.Linear(size, 32), nn.GELU(), nn.Linear(32, size)), steps

    def forward(self, x, t, r):
        start = x
        for _ in range(self.steps):
            x = x - self.layers(x) / self.steps
        return start - x


class HiddenCalls(Paradigm):
    title, era, reference, task = "hidden calls", "x", "none", "generation"

    def __init__(self, shape, n_classes, *, inside: bool = False):
        super().__init__(shape, n_classes)
        self.size, self.inside = shape[0] * shape[1] * shape[2], inside
        self.net = Net(self.size, 8 if inside else 1)

    def stages(self):
        return [Stage("local", list(self.net.parameters()), self.loss)]

    def loss(self, batch):
        x = batch.x.flatten(1)
        t = torch.rand(len(x), 1)
        eps = torch.randn_like(x)
        return (self.net((1 - t) * x + t * eps, t[:, 0], t[:, 0]) - (eps - x)).square().mean()

    def link(self):
        return self.net

    @torch.no_grad()
    def sample(self, n, nfe, generator, sampler="default"):
        x = torch.randn(n, self.size, generator=generator)
        calls = nfe if self.inside else 8 * nfe
        for i in range(calls):
            t = torch.full((n,), 1 - i / calls)
            x = x - (self.net(x, t, t) if self.inside or i % 8 == 0 else self.net.forward(x, t, t)) / calls
        return x.view(n, *self.shape).clamp(-1, 1)
