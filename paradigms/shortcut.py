"""Shortcut model: one network for steps of every length, where a long step is taught to be two of half its length.

Source: Frans, Hafner, Levine & Abbeel, "One Step Diffusion via Shortcut Models", ICLR 2025 (arXiv 2410.12557),
equations 4 (self-consistency) and 5 (the loss), algorithms 1 (training) and 2 (sampling).

symbol    meaning                                                               shape
x, eps    data in [-1, 1]; standard normal noise                                (B, C, H, W)
t         time, 0 = data, 1 = noise                                             (B,)
d         half of the step that is taught, 2^-k; the step lands on r = t - 2 d  (B,)
x_t       (1 - t) x + t eps                                                     (B, C, H, W)
net       net(x_t, t, r): the step's direction, average velocity from t to r    (B, C, H, W)
label     the class, where the network is told it                               (B,)

Differs: time runs from data to noise; the network is told where it lands instead of d, so r = t is the field itself;
flow matching has the mean velocity over the training split as target, and Muon optimises, as all generators here.
The two halves come from the network as it is (the paper: from its average).
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import Field, flow_matching_loss, on_path, over_image, told
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.options import fractions, positive


class Shortcut(FlowChain, Paradigm):
    title = "Shortcut (a step is two halves)"
    era = "towards end-to-end"
    reference = "Frans et al. 2025, arXiv 2410.12557"
    task = "generation"
    samplers = ("jump", "euler")  # steps of any length, and the ODE of r = t

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        consistent_share: float = 0.25,
        n_halvings: int = 5,
        t_mean: float = -0.4,
        t_std: float = 1.0,
        lr: float = 2e-2,
        lr_adam: float = 5e-3,
        batch_size: int = 64,
        backbone: str = "unet",
        width: int | None = None,
        ema_decay: float = 0.999,
        conditional: bool = False,
    ):
        """consistent_share: share of rows that learn a step from its halves; the others are flow matching. n_halvings:
        the shortest half is 2^-n_halvings. t_mean, t_std: of logit(t) in flow matching. lr, lr_adam: Muon's and, for
        what is no matrix, Adam's. conditional: the network is told the class."""
        super().__init__(shape, n_classes, conditional)
        fractions(consistent_share=consistent_share)
        positive(n_halvings=n_halvings, batch_size=batch_size)
        self.net = self.network(backbone, width)
        self.consistent_share, self.n_halvings = consistent_share, n_halvings
        self.times = {"velocity": "marginal", "mean": t_mean, "std": t_std}
        self.lr, self.lr_adam, self.batch_size, self.ema_decay = lr, lr_adam, batch_size, ema_decay

    def stages(self) -> list[Stage]:
        return [self.net_stage("shortcut", self.loss)]

    def loss(self, batch: Batch) -> Tensor:
        """Flow matching on the leading rows and self-consistency on the others, each weighing as its share."""
        n = len(batch.x) - round(self.consistent_share * len(batch.x))
        local = flow_matching_loss(self.net, Batch(batch.x[:n], batch.label[:n]), self.rows, **self.times)
        if n == len(batch.x):
            return local
        x, label = batch.x[n:], self.told(batch.label[n:])
        t, d = self.draw_steps(x)
        x_t = on_path(x, torch.randn_like(x), t)
        field = told(self.net, label)
        consistent = (field(x_t, t, t - 2 * d) - two_halves(field, x_t, t, d)).square().mean()
        return (n * local + len(x) * consistent) / len(batch.x)

    def draw_steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(t, d), (B,) each: d = 2^-k, k even over 1 to n_halvings; t a multiple of 2 d in (0, 1]."""
        k = torch.randint(1, self.n_halvings + 1, (len(x),), device=x.device)
        d = 0.5 ** k.to(x.dtype)
        place = torch.rand(len(x), dtype=x.dtype, device=x.device)
        return (torch.floor(place / (2 * d)) + 1) * 2 * d, d


@torch.no_grad()
def two_halves(field: Field, x_t: Tensor, t: Tensor, d: Tensor) -> Tensor:
    """Direction (B, C, H, W) of the step from t to t - 2 d made of two steps of length d; a target, without gradient.

    Halves of the least length that training knows are the field's own steps as far as it has learnt them.
    """
    first = field(x_t, t, t - d)
    middle = t - d
    second = field(x_t - over_image(d, x_t) * first, middle, middle - d)
    return (first + second) / 2
