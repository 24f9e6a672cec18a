"""Deep belief network: restricted Boltzmann machines learnt greedily, one layer at a time; then fine-tuning.

Source: Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18, 2006
(greedy learning: section 4; label units and sampling: section 6); CD-k: Hinton 2002, equation 5; persistent chains:
Tieleman, ICML 2008; fine-tuning by backpropagation: Hinton & Salakhutdinov, Science 313, 2006.

symbol    meaning                                                              shape
x         image, in [-1, 1]                                                    (B, C, H, W)
v         visible states of an RBM; (x + 1) / 2 are their means in the first   (B, width below)
h         hidden states, visible ones of the next RBM                          (B, width)
top       RBM over [h, label]: the chain that generates                        (B, width + n_classes)
chains    hidden probabilities of the top RBM's persistent chains              (n_chains, width)

Differs: data enter every RBM as drawn binary states, not as probabilities, which samples, being binary, cannot match
(results/LOG.md); the top RBM learns by PCD with a rate falling to 0, since chains of a CD-trained one drift into noise;
momentum is .9 throughout CD; no up-down pass: recognition has a copy of the weights, fine-tuned on drawn states.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Likelihood, Paradigm, Stage
from paradigms.parts.binary_units import bernoulli, to_images, to_units
from paradigms.parts.momentum import momentum_sgd
from paradigms.parts.rbm import RBM, contrastive_loss, gibbs, on_data
from paradigms.parts.recogniser import Recogniser
from paradigms.parts.stack_likelihood import stack_likelihood

LABELS = ("clamped", "free")
N_SEEN = 10_000  # images that the first visible biases are taken from
N_AIS_CHAINS = 64


class DBN(Paradigm):
    title = "Deep belief network (greedy RBMs)"
    era = "layer-wise"
    reference = "Hinton, Osindero & Teh 2006"
    task = "recognition"

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        widths: Sequence[int] = (128, 256),
        labels: str = "clamped",
        cd_sweeps: int = 1,
        pcd_sweeps: int = 1,
        n_chains: int = 256,
        lr_cd: float = 0.2,
        lr_pcd: float = 0.4,
        lr_fine_tuning: float = 0.1,
        weight_decay: float = 0.0,
        shares: Sequence[float] = (0.15, 0.65, 0.2),
    ):
        """widths: hidden units of each RBM, the top one last. labels: while sampling, "clamped" to a uniform draw or
        "free". cd_sweeps, pcd_sweeps: Gibbs sweeps an update. weight_decay: of every stage, on weights only. shares:
        of the budget, for the RBMs below the top one together, the top one, and fine-tuning."""
        super().__init__(shape, n_classes)
        if labels not in LABELS:
            raise ValueError(f"labels = {labels!r}; allowed: {', '.join(LABELS)}")
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(f"widths = {list(widths)}; allowed: two or more positive numbers, one a hidden layer")
        for name, value in (("cd_sweeps", cd_sweeps), ("pcd_sweeps", pcd_sweeps), ("n_chains", n_chains)):
            if value < 1:
                raise ValueError(f"{name} = {value}; allowed: 1 or more")
        if len(shares) != 3 or min(shares) <= 0:
            raise ValueError(f"shares = {list(shares)}; allowed: three positive numbers")
        n_pixels, (*below, n_top) = shape[0] * shape[1] * shape[2], widths
        self.rbms = nn.ModuleList(RBM(n, m) for n, m in pairwise([n_pixels, *below]))
        self.top = RBM(below[-1], n_top, n_labels=n_classes)
        self.recogniser = Recogniser([n_pixels, *widths], n_classes)
        self.register_buffer("chains", torch.zeros(n_chains, n_top))
        self.register_buffer("seen", torch.empty(0), persistent=False)
        self.register_buffer("seen_label", torch.empty(0, dtype=torch.int64), persistent=False)
        self.labels, self.cd_sweeps, self.pcd_sweeps = labels, cd_sweeps, pcd_sweeps
        self.lr_cd, self.lr_pcd, self.lr_fine_tuning = lr_cd, lr_pcd, lr_fine_tuning
        self.weight_decay, self.shares = weight_decay, tuple(shares)

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.seen, self.seen_label = x[:N_SEEN], label[:N_SEEN]

    def stages(self) -> list[Stage]:
        below, top, fine_tuning = self.shares
        greedy = [
            Stage(
                f"rbm {depth + 1}",
                list(rbm.parameters()),
                partial(self.greedy_loss, depth),
                share=below / len(self.rbms),
                batch_size=256,
                optimizer=momentum_sgd(self.lr_cd, self.weight_decay),
                begin=partial(self.begin_greedy, depth),
            )
            for depth, rbm in enumerate(self.rbms)
        ]
        persistent = Stage(
            "top rbm",
            list(self.top.parameters()),
            self.top_loss,
            share=top,
            batch_size=256,
            optimizer=momentum_sgd(self.lr_pcd, self.weight_decay, momentum=0.0),
            schedule=lambda progress: 1 - progress,
            begin=self.begin_top,
        )
        supervised = Stage(
            "fine-tuning",
            list(self.recogniser.parameters()),
            self.recognition_loss,
            share=fine_tuning,
            optimizer=momentum_sgd(self.lr_fine_tuning, self.weight_decay),
            begin=self.begin_fine_tuning,
        )
        return [*greedy, persistent, supervised]

    def greedy_loss(self, depth: int, batch: Batch) -> Tensor:
        """CD-k of the RBM at `depth` on states of the one below it."""
        rbm = self.rbms[depth]
        data = on_data(rbm, self.up(to_units(batch.x), depth))
        return contrastive_loss(rbm, data, gibbs(rbm, data.h, self.cd_sweeps))

    def top_loss(self, batch: Batch) -> Tensor:
        """PCD-k of the top RBM on states and labels; moves the chains."""
        data = on_data(self.top, self.top_states(batch.x, batch.label))
        model = gibbs(self.top, self.chains, self.pcd_sweeps)
        self.chains.copy_(model.h)
        return contrastive_loss(self.top, data, model)

    def recognition_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the recogniser on drawn states: the noise regularises it (results/LOG.md)."""
        return F.cross_entropy(self.recogniser(bernoulli(to_units(batch.x))), batch.label)

    def begin_greedy(self, depth: int) -> None:
        self.rbms[depth].start_at_log_odds(self.up(to_units(self.seen), depth))

    def begin_top(self) -> None:
        self.top.start_at_log_odds(self.top_states(self.seen, self.seen_label))
        self.chains.copy_(self.top.h_given_v(self.noise(len(self.chains))))

    def begin_fine_tuning(self) -> None:
        top = (self.top.W[: -self.n_classes], self.top.hbias)
        self.recogniser.adopt([*((rbm.W, rbm.hbias) for rbm in self.rbms), top])

    @torch.no_grad()
    def up(self, v: Tensor, depth: int, generator: torch.Generator | None = None) -> Tensor:
        """Visible states of the RBM at `depth`, drawn layer by layer from pixel probabilities v (B, C H W)."""
        v = bernoulli(v, generator)
        for rbm in self.rbms[:depth]:
            v = bernoulli(rbm.h_given_v(v), generator)
        return v

    def top_states(self, x: Tensor, label: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Visible states of the top RBM, (B, width + n_classes): the layer below it and one label unit."""
        h = self.up(to_units(x), len(self.rbms), generator)
        return torch.cat([h, F.one_hot(label, self.n_classes).to(h.dtype)], dim=1)

    def noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n visible states of the top RBM that know nothing: fair coins and a uniform label."""
        mean = torch.full_like(self.top.vbias, 0.5).repeat(n, 1)
        mean[:, -self.n_classes :] = 1 / self.n_classes
        return self.top.sample_v(mean, generator)

    def link(self) -> nn.Module:
        return self.top

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        return self.sample_labelled(n, nfe, generator, sampler)[0]

    @torch.no_grad()
    def sample_labelled(
        self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default"
    ) -> tuple[Tensor, Tensor | None]:
        """`nfe` Gibbs sweeps of the top RBM from noise, then one mean-field pass down to pixel probabilities; the
        clamped labels, or None if they are free."""
        mean = self.noise(n, generator)
        label = mean[:, -self.n_classes :].clone()
        for _ in range(nfe):
            mean = self.top(mean, generator)
            if self.labels == "clamped":
                mean[:, -self.n_classes :] = label
        v = mean[:, : -self.n_classes]
        for rbm in reversed(self.rbms):
            v = rbm.v_given_h(v)
        return to_images(v, self.shape), label.argmax(1) if self.labels == "clamped" else None

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """Visible states of the top RBM on data, (B, width + n_classes), at every step: sweeps have no schedule."""
        return self.top_states(x, label, generator)

    @torch.no_grad()
    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        mean = self.top(state, generator)
        if self.labels == "clamped":
            mean[:, -self.n_classes :] = state[:, -self.n_classes :]
        return self.top.sample_v(mean, generator)

    def logits(self, x: Tensor) -> Tensor:
        return self.recogniser(to_units(x))

    def features(self, x: Tensor) -> Tensor:
        return self.recogniser.features(to_units(x))

    def log_likelihood(self, x: Tensor, label: Tensor, generator: torch.Generator) -> Likelihood:
        """A lower bound for drawn binary pixels (`stack_likelihood` says what bounds what); needs no `label`."""
        rbms, top = (deepcopy(part).double().requires_grad_(False) for part in (self.rbms, self.top))
        v = bernoulli(to_units(x).double(), generator)
        # Persistent chains are the longest run of the model that there is; all zero, they have not begun.
        began = self.chains.any()
        samples = gibbs(self.top, self.chains, 1, generator).v if began else self.noise(len(self.chains), generator)
        return stack_likelihood(rbms, top, v, samples[:N_AIS_CHAINS].double(), generator)
