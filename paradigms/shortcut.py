"""Shortcut model: one network for steps of every length, where a long step is taught to be two of half its length.

Source: Frans, Hafner, Levine & Abbeel, "One Step Diffusion via Shortcut Models", ICLR 2025 (arXiv 2410.12557),
equations 4 (self-consistency) and 5 (the loss), algorithms 1 (training) and 2 (sampling).

symbol    meaning                                                                 shape
x, eps    data in [-1, 1]; standard normal noise                                  (B, C, H, W)
t         time, 0 = data, 1 = noise                                               (B,)
d         half of the step that is taught, 2^-k; the step ends at r = t - 2 d     (B,)
x_t       (1 - t) x + t eps                                                       (B, C, H, W)
net       net(x_t, t, r): direction of the step, average velocity from t to r     (B, C, H, W)
label     class, where the network is conditioned on it                           (B,)

Differs: time runs from data to noise. The network receives the time r at which the step ends instead of d, so r = t
gives the velocity field itself. Flow matching has the mean velocity over the training split as target, and Muon is the
optimiser, as for all generators here. The two halves are taken with the current weights, in the paper with their
average. As in the paper, the shortest steps are taken with the velocity field itself, in training and in sampling: this
anchors all longer steps in flow matching. Steps start and end on the grid of their own length, so that a chain of jumps
has a power of two of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import Field, conditioned, flow_matching_loss, on_path, over_image
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.options import fractions, with_images_for
from paradigms.training.split import n_whole, part

N_HALVINGS = 5
SHORTEST = 0.5**N_HALVINGS  # half step, which is taken with the velocity field


class Shortcut(FlowChain, Paradigm):
    """Shortcut model.

    Network
        backbone: "unet" or "mlp".
        width: channels or hidden units of the backbone; None for its default.
        conditional: whether the network is conditioned on the class.
    Loss
        consistent_share: share of the images, in [0, 1), on which a step learns from its halves; the others are flow
            matching.
    Optimisation
        lr: Muon's learning rate, for convolutions.
        lr_adam: Adam's learning rate, for all other parameters.
        batch_size: images per update, enough that both parts of the loss have an image.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "Shortcut (a step is two halves)"
    era = "towards end-to-end"
    reference = "Frans et al. 2025, arXiv 2410.12557"
    task = "generation"
    samplers = ("jump", "euler")  # steps of any length, and the ODE of the field at r = t

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str = "unet",
        width: int | None = None,
        conditional: bool = False,
        consistent_share: float = 0.25,
        lr: float = 2e-2,
        lr_adam: float = 5e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        fractions(consistent_share=consistent_share)
        requested = slice(0, 2 if consistent_share else 1)
        with_images_for(lambda n: parts(n, consistent_share)[requested], batch_size, consistent_share=consistent_share)
        self.net = self.network(backbone, width)
        self.consistent_share = consistent_share
        self.lr, self.lr_adam, self.batch_size, self.ema_decay = lr, lr_adam, batch_size, ema_decay

    def stages(self) -> list[Stage]:
        return [self.net_stage("shortcut", self.loss)]

    def loss(self, batch: Batch) -> Tensor:
        """Returns flow matching on the leading images and self-consistency on the others, weighted by their numbers."""
        n_rows = n_whole(len(batch.x))
        n, n_consistent = parts(n_rows, self.consistent_share)
        with part(0, n) as leading:
            x, label = batch.x[leading], batch.label[leading]
            local = flow_matching_loss(self.net, Batch(x, label), self.rows)
        if not n_consistent:
            return local
        with part(n, n_rows) as others:
            consistent = self.consistency(batch.x[others], self.condition(batch.label[others]))
        return (len(x) * local + (len(batch.x) - len(x)) * consistent) / len(batch.x)

    def consistency(self, x: Tensor, label: Tensor | None) -> Tensor:
        """Returns the mean squared difference of a step and its two halves at images x (B, C, H, W), a scalar."""
        t, d = self.draw_steps(x)
        x_t = on_path(x, torch.randn_like(x), t)
        field = self.field(label)
        return (field(x_t, t, t - 2 * d) - two_halves(field, x_t, t, d)).square().mean()

    def field(self, label: Tensor | None) -> Field:
        """Returns the network's field, conditioned on `label` (B,) or on nothing (None); short steps have r = t."""
        net = conditioned(self.net, label)
        # Times on the grid differ from multiples of SHORTEST by rounding errors.
        return lambda x_t, t, r: net(x_t, t, torch.where(t - r < 1.5 * SHORTEST, t, r))

    def allows(self, nfe: int, sampler: str) -> bool:
        return super().allows(nfe, sampler) and (sampler == "euler" or nfe.bit_count() == 1)

    def draw_steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns (t, d), (B,) each: d = 2^-k with k uniform over 1 to N_HALVINGS; t a multiple of 2 d in (0, 1]."""
        k = torch.randint(1, N_HALVINGS + 1, (len(x),), device=x.device)
        d = 0.5 ** k.to(x.dtype)
        place = torch.rand(len(x), dtype=x.dtype, device=x.device)
        return (torch.floor(place / (2 * d)) + 1) * 2 * d, d


def parts(n: int, consistent_share: float) -> tuple[int, int]:
    """Returns how many of n images are for flow matching and for self-consistency."""
    n_consistent = round(consistent_share * n)
    return n - n_consistent, n_consistent


@torch.no_grad()
def two_halves(field: Field, x_t: Tensor, t: Tensor, d: Tensor) -> Tensor:
    """Returns the direction (B, C, H, W) of the step from t to t - 2 d as two steps of length d, without gradient."""
    first = field(x_t, t, t - d)
    middle = t - d
    second = field(x_t - over_image(d, x_t) * first, middle, middle - d)
    return (first + second) / 2
