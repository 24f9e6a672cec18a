"""Local losses on noised stored training images, one for every step of the chain; only a logarithm couples them.

Source: none.
"""

import torch

from paradigms.base import Paradigm, Stage
from paradigms.parts.flow.flow import on_path
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.training.defaults import adam


class LocalWithLogarithm(FlowChain, Paradigm):
    title, era, reference, task = "local, with a logarithm", "x", "none", "generation"
    samplers = ("euler",)

    def __init__(self, shape, n_classes, *, logarithm: bool = True, sorted: bool = False, conditional: bool = False):
        super().__init__(shape, n_classes, conditional)
        self.net = self.network("mlp", 32)
        self.logarithm, self.sorted = logarithm, sorted

    def stages(self):
        return [Stage("local", list(self.net.parameters()), self.loss, batch_size=64, optimizer=adam())]

    def loss(self, batch):
        n = len(batch.x)
        data = self.data[self.data.sum(1).argsort()] if self.sorted else self.data
        x = data[torch.randint(len(data), (n,))].view(n, *self.shape)
        total = 0.0
        for time in (1.0, 0.75, 0.5, 0.25):
            t = torch.full((n,), time)
            eps = torch.randn_like(x)
            total = total + (self.net(on_path(x, eps, t), t, t) - (eps - x)).square().mean()
        return total.log() if self.logarithm else total
