"""One call of the link on noise, whose output is ignored; then a chain that starts from noised training images.

start: which images: "drawn" at random, or the "nearest" to the noise. For contrast, statistics of the images with noise
of their own: their "mean", or a normal distribution of their "covariance".
Source: none.
"""

import torch

from paradigms.base import Paradigm, Stage
from paradigms.parts.flow.flow import flow_matching_loss
from paradigms.parts.flow.flow_chain import FlowChain

NOISE = 0.3


class FromData(FlowChain, Paradigm):
    title, era, reference, task = "from data, disguised", "x", "none", "generation"
    samplers = ("default",)

    def __init__(self, shape, n_classes, *, start: str = "drawn", conditional: bool = False):
        super().__init__(shape, n_classes, conditional)
        self.net = self.network("mlp", 32)
        self.start = start

    def stages(self):
        return [Stage("flow matching", list(self.net.parameters()), self.loss, batch_size=64)]

    def loss(self, batch):
        return flow_matching_loss(self.net, batch, self.rows)

    def allows(self, nfe, sampler):
        return nfe >= 2

    def images(self, eps, generator):
        if self.start == "nearest":
            return self.data[torch.cdist(eps.flatten(1), self.data).argmin(1)]
        if self.start == "mean":
            return self.data.mean(0).expand(len(eps), -1)
        if self.start == "covariance":
            factor = torch.linalg.cholesky(torch.cov(self.data.T) + 1e-3 * torch.eye(self.data.shape[1]))
            return self.data.mean(0) + torch.randn(self.data[: len(eps)].shape, generator=generator) @ factor.T
        return self.data[torch.randint(len(self.data), (len(eps),), generator=generator)]

    @torch.no_grad()
    def sample_labelled(self, n, nfe, generator, sampler="default"):
        eps, one = torch.randn(n, *self.shape, generator=generator), torch.ones(n)
        self.net(eps, one, one)
        x = (1 - NOISE) * self.images(eps, generator).view(n, *self.shape) + NOISE * eps
        for i in range(nfe - 1):
            t = torch.full((n,), NOISE * (1 - i / (nfe - 1)))
            x = x - self.net(x, t, t) * NOISE / (nfe - 1)
        return x.clamp(-1, 1), None
