"""Consistency model: the ends of a path's points agree, taught by the same network a little nearer to the data.

Source: Song, Dhariwal, Chen & Sutskever, "Consistency Models", ICML 2023 (arXiv 2303.01469), definition 1 and algorithm
1 (sampling); the teacher, the curriculum, the times and the weight: Geng, Pokle, Luo, Lin & Kolter, "Consistency Models
Made Easy" (ECT), ICLR 2025 (arXiv 2406.14548), sections 3 and 4.

symbol     meaning                                                                   shape
x, eps     data in [-1, 1]; standard normal noise                                    (B, C, H, W)
t          time, 0 = data, 1 = noise; logit(t) is EDM's log sigma                    (B,)
r          time of the teacher, 0 <= r < t                                           (B,)
x_t        (1 - t) x + t eps                                                         (B, C, H, W)
net        net(x_t, t, t): a velocity                                                (B, C, H, W)
f          f(x_t, t) = x_t - t net(x_t, t, t), the end of the path through x_t;      (B, C, H, W)
           f(x, 0) = x
n          1 + k / (1 + exp(b logit(t))): the gap r to t narrows less where t is small
progress   of the stage, in [0, 1]
label      class, where the network is conditioned on it                             (B,)

    r = t max(0, 1 - n q^-(1 + progress n_stages))        (ECT's mapping, made continuous)
    loss = E weight (|f(x_t, t) - stop f(x_r, r)|^2 + c^2)^(1/2) - c,    weight = 1 / (t - r)

Both points of a pair have the same image and the same noise. At r = 0 the teacher is the image itself, and the loss is
that of a denoiser; the curriculum lets r grow towards t, where it is consistency. So training may start from diffusion,
whose network is a denoiser.

Differs: time runs on the straight path, where t / (1 - t) is EDM's sigma; the network predicts the velocity. The
curriculum is continuous, in ECT it doubles in steps. The optimiser is Muon, as for all generators here.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow import samplers
from paradigms.parts.flow.flow import logit_normal, on_path, over_image
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.options import not_negative, positive

T_MEAN, T_STD = -1.1, 2.0  # of logit(t): ECT's times
K, B = 8.0, 1.0  # of ECT's mapping
HUBER = 0.03  # c over the root of the number of pixels; ECT has 0 in its code and 0.00054 is iCT's, for large networks


class Consistency(FlowChain, Paradigm):
    """Consistency model with an easy start.

    Network
        backbone: "unet" or "mlp".
        width: channels or hidden units of the backbone; None for its default.
        conditional: whether the network is conditioned on the class.
    Loss
        t_mean, t_std: mean and standard deviation of logit(t).
        q: base of the curriculum, above 1.
        n_stages: powers of q by which the gap from r to t narrows in the course of training, at least 0.
    Optimisation
        lr: Muon's learning rate, for convolutions.
        lr_adam: Adam's learning rate, for all other parameters.
        batch_size: images per update.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "Consistency model (local, one step)"
    era = "towards end-to-end"
    reference = "Geng et al. 2025, arXiv 2406.14548"
    task = "generation"
    samplers = ("renoise", "euler")  # ends of paths from noisier to less noisy times, and the ODE of the velocity

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str = "unet",
        width: int | None = None,
        conditional: bool = False,
        t_mean: float = T_MEAN,
        t_std: float = T_STD,
        q: float = 2.0,
        n_stages: float = 7.0,
        lr: float = 2e-2,
        lr_adam: float = 5e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        positive(batch_size=batch_size)
        not_negative(n_stages=n_stages, t_std=t_std)
        if q <= 1:
            raise ValueError(f"q = {q}; allowed: above 1")
        self.net = self.network(backbone, width)
        self.t_mean, self.t_std, self.q, self.n_stages = t_mean, t_std, q, n_stages
        self.lr, self.lr_adam, self.batch_size, self.ema_decay = lr, lr_adam, batch_size, ema_decay

    def stages(self) -> list[Stage]:
        return [self.net_stage("consistency", self.loss)]

    def loss(self, batch: Batch) -> Tensor:
        """Returns the mean weighted distance between the ends of two points of a path, a scalar."""
        x, eps, label = batch.x, torch.randn_like(batch.x), self.condition(batch.label)
        t = logit_normal(len(x), self.t_mean, self.t_std, x)
        r = self.teacher_time(t)
        with torch.no_grad():
            target = self.end(on_path(x, eps, r), r, label)
        c2 = HUBER**2 * x[0].numel()
        squared = (self.end(on_path(x, eps, t), t, label) - target).square().flatten(1).sum(1)
        return (((squared + c2).sqrt() - c2**0.5) / (t - r)).mean()

    def teacher_time(self, t: Tensor) -> Tensor:
        """Returns r, (B,), for times t, (B,): 0 early in training and close to t at its end."""
        n = 1 + K * torch.sigmoid(-B * torch.logit(t))
        return t * (1 - n * self.q ** -(1 + self.progress * self.n_stages)).clamp(min=0)

    def end(self, x_t: Tensor, t: Tensor, label: Tensor | None) -> Tensor:
        """Returns f(x_t, t), the images (B, C, H, W) at the ends of the paths through x_t at times t (B,)."""
        return x_t - over_image(t, x_t) * self.field(label)(x_t, t, t)

    def renoised(self, x_t: Tensor, t: Tensor, r: Tensor, label: Tensor | None, generator: torch.Generator) -> Tensor:
        """Returns x_r, the ends of the paths through x_t, (B, C, H, W), with fresh noise up to times r, (B,)."""
        return on_path(self.end(x_t, t, label), torch.randn(x_t.shape, generator=generator, device=x_t.device), r)

    def chain_step(
        self,
        state: Tensor,
        step: int,
        nfe: int,
        generator: torch.Generator,
        sampler: str,
        label: Tensor | None = None,
    ) -> Tensor:
        if sampler != "renoise" or (self.conditional and label is None):
            return super().chain_step(state, step, nfe, generator, sampler, label)
        t, r = samplers.grid(nfe, state)[step : step + 2]
        return self.renoised(state, t, r, label, generator)

    @torch.no_grad()
    def sample_labelled(
        self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default", label: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        if sampler == "euler":
            return super().sample_labelled(n, nfe, generator, sampler, label)
        x, label = self.start(n, generator, label)
        for t, r in pairwise(samplers.grid(nfe, x)):
            x = self.renoised(x, t, r, label, generator)
        return x.clamp(-1, 1), label
