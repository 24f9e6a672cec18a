"""VAE: the oldest one-step generator that is trained as one graph with one loss.

Source: Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014 (arXiv 1312.6114), equations 3 (the bound) and 10
(its Gaussian form); the decoder's variance: Rybkin, Daniilidis & Levine, "Simple and effective VAE training with
calibrated decoders" (sigma-VAE), ICML 2021 (arXiv 2006.13202), equation 6.

symbol    meaning                                                                shape
x         images, in [-1, 1]                                                     (B, C, H, W)
z         code, standard normal a priori: the first n numbers of an image of     (B, n)
          noise, the others of which the small generator ignores
mean,     of q(z | x), from the encoder                                          (B, n)
log_var
decoded   noise - net(noise, 1, 0), the mean of p(x | z)                         (B, C, H, W)
mse       mean squared error of `decoded`, over batch and pixels
D         pixels of an image

    KL = 1/2 sum (mean^2 + exp(log_var) - 1 - log_var)
    loss = (D / 2 log mse + E KL) / D

The first term is minus the log-likelihood of a Gaussian whose variance is the mse, its maximum-likelihood estimate, but
for a constant; it sets the balance of both terms without a weight.

Differs: the variance is estimated from the batch, as in the sigma-VAE's "optimal" variant. The decoder is the generator
of `gan`, the encoder has the layers of its discriminator. A sample is the decoder's mean, without the pixel noise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.networks.code_generator import CODE
from paradigms.parts.networks.strided import Strided
from paradigms.parts.options import positive
from paradigms.training.split import whole

SMALLEST = 1e-6  # mean squared error that is divided by


class VAE(FlowChain, Paradigm):
    """Variational auto-encoder, whose decoder is a one-step generator.

    Network
        backbone: of the decoder, "code", "unet" or "mlp".
        width: channels or hidden units of the decoder; None for its default.
        encoder_width: channels of the encoder's first layer.
    Optimisation
        lr: Muon's learning rate, for the decoder's convolutions and the encoder's.
        lr_adam: Adam's learning rate, for all other parameters.
        batch_size: images per update.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "VAE (one step, variational bound)"
    era = "end-to-end"
    reference = "Kingma & Welling 2014, arXiv 1312.6114"
    task = "generation"
    samplers = ("jump",)

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str = "code",
        width: int | None = None,
        encoder_width: int = 12,
        lr: float = 1e-2,
        lr_adam: float = 2e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes)
        positive(batch_size=batch_size, encoder_width=encoder_width)
        self.net = self.network(backbone, width)
        self.n_code = min(CODE, math.prod(shape)) if backbone == "code" else math.prod(shape)
        self.encoder = Strided(shape, encoder_width, 2 * self.n_code)
        self.lr, self.lr_adam, self.batch_size, self.ema_decay = lr, lr_adam, batch_size, ema_decay

    def stages(self) -> list[Stage]:
        networks = [*self.net.parameters(), *self.encoder.parameters()]
        return [self.net_stage("variational bound", self.loss, parameters=networks)]

    def loss(self, batch: Batch) -> Tensor:
        """Returns minus the bound per pixel, but for a constant, with one draw of the code per image; a scalar."""
        mean, log_var = self.encoder(batch.x).chunk(2, dim=1)
        z = mean + (log_var / 2).exp() * torch.randn_like(mean)
        mse = whole(self.decode(z) - batch.x).square().mean()  # its logarithm is no mean over rows
        n_pixels = batch.x[0].numel()
        return mse.clamp(min=SMALLEST).log() / 2 + divergence(mean, log_var).mean() / n_pixels

    def decode(self, z: Tensor) -> Tensor:
        """Returns the images (B, C, H, W) that the sampler makes of noise that starts with the codes z (B, n)."""
        noise = F.pad(z, (0, math.prod(self.shape) - z.shape[1])).view(-1, *self.shape)
        one = torch.ones(len(z), dtype=z.dtype, device=z.device)
        return noise - self.field(None)(noise, one, torch.zeros_like(one))

    def allows(self, nfe: int, sampler: str) -> bool:
        return nfe == 1


def divergence(mean: Tensor, log_var: Tensor) -> Tensor:
    """Returns KL(N(mean, exp(log_var)) || N(0, 1)) in nats, summed over the code, (B,); both (B, n)."""
    return (mean.square() + log_var.exp() - 1 - log_var).sum(1) / 2
