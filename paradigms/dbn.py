"""Deep belief network: restricted Boltzmann machines learnt greedily, one layer at a time; then fine-tuning.

Source: Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18, 2006
(greedy learning: section 4; up-down: section 5; label units, free energies and sampling: section 6); the chains of the
top machine: `parts/fantasies`; fine-tuning by backpropagation: Hinton & Salakhutdinov, Science 313, 2006.

symbol    meaning                                                              shape
x         image, in [-1, 1]                                                    (B, C, H, W)
v         visible states of an RBM; (x + 1) / 2 are their means in the first   (B, width below)
h         hidden states, visible ones of the next RBM                          (B, width)
top       RBM over [h, label]: the chain that generates                        (B, width + n_classes)
chains    hidden units of the top RBM where its chains last ended              (n_temperatures, n_chains, width)

Differs: data enter every RBM as drawn binary states, not as probabilities, which samples, being binary, cannot match
(results/LOG.md); the top RBM learns by PCD with a rate falling to 0, since chains of a CD-trained one drift into noise;
momentum is .9 throughout CD; unless asked for, no up-down: recognition fine-tunes its own copy, on drawn states.
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
from paradigms.parts.contrastive import contrastive_loss, gibbs, on_data
from paradigms.parts.fantasies import KINDS, Fantasies
from paradigms.parts.momentum import momentum_sgd
from paradigms.parts.rbm import RBM
from paradigms.parts.recogniser import Recogniser
from paradigms.parts.stack_likelihood import stack_likelihood
from paradigms.parts.steps import linear
from paradigms.parts.up_down import untie, untied, up_down_loss

CHOICES = {"labels": ("clamped", "free"), "recognition": ("fine-tuned", "free energy"), "chains": KINDS}
LENGTHS = {"sweeps": 3, "rates": 4, "shares": 4}
COUNTS = ("widths", "sweeps", "n_chains", "n_temperatures")
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
        recognition: str = "fine-tuned",
        chains: str = "persistent",
        n_chains: int = 256,
        n_temperatures: int = 10,
        centred: bool = False,
        weight_decay: float = 0.0,
        sweeps: Sequence[int] = (1, 1, 3),
        rates: Sequence[float] = (0.2, 0.4, 0.01, 0.1),
        shares: Sequence[float] = (0.15, 0.65, 0.0, 0.2),
    ):
        """widths: hidden units of each RBM, the top one last. labels: while sampling, "clamped" to a uniform draw or
        "free". recognition: by the "fine-tuned" copy of the weights, or by the exact "free energy" of the top RBM with
        each label. chains, n_chains, n_temperatures: of the top RBM, as in `Fantasies`. centred: every RBM's gradient.
        weight_decay: of weights only. sweeps, rates, shares: Gibbs sweeps an update, learning rate and share of the
        budget, for the RBMs below, the top one, up-down (left out at 0) and fine-tuning (the same; no sweeps)."""
        super().__init__(shape, n_classes)
        counts = {"widths": widths, "sweeps": sweeps, "n_chains": [n_chains], "n_temperatures": [n_temperatures]}
        _check(labels=labels, recognition=recognition, chains=chains, rates=rates, shares=shares, **counts)
        n_pixels, (*below, n_top) = shape[0] * shape[1] * shape[2], widths
        self.rbms = nn.ModuleList(RBM(n, m) for n, m in pairwise([n_pixels, *below]))
        self.top = RBM(below[-1], n_top, n_labels=n_classes)
        self.untied = untied(self.rbms) if shares[2] else None
        self.recogniser = Recogniser([n_pixels, *widths], n_classes) if recognition == "fine-tuned" else None
        self.chains = Fantasies(chains, n_chains, n_top, n_temperatures)
        self.register_buffer("seen", torch.empty(0), persistent=False)
        self.register_buffer("seen_label", torch.empty(0, dtype=torch.int64), persistent=False)
        self.labels, self.centred, self.weight_decay = labels, centred, weight_decay
        self.sweeps, self.rates = tuple(sweeps), tuple(rates)
        self.shares = (*shares[:3], shares[3] if self.recogniser else 0.0)

    @property
    def down(self) -> nn.ModuleList:
        """The generative weights below the top RBM: the RBMs', until up-down gives them their own."""
        return self.untied or self.rbms

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.seen, self.seen_label = x[:N_SEEN], label[:N_SEEN]

    def stages(self) -> list[Stage]:
        stages = []
        for depth, rbm in enumerate(self.rbms):
            loss, begin = partial(self.greedy_loss, depth), partial(self.begin_greedy, depth)
            stages.append(self._stage(0, f"rbm {depth + 1}", rbm.parameters(), loss, begin, batch_size=256))
        changes = {"momentum": 0.0, "batch_size": 256, "schedule": linear}
        stages.append(self._stage(1, "top rbm", self.top.parameters(), self.top_loss, self.begin_top, **changes))
        if self.shares[2]:
            upwards = [p for rbm in self.rbms for p in (rbm.W, rbm.hbias)]
            moved = [*upwards, *self.down.parameters(), *self.top.parameters()]
            stages.append(self._stage(2, "up-down", moved, self.up_down_loss, self.begin_up_down))
        if self.shares[3]:
            copied = self.recogniser.parameters()
            stages.append(self._stage(3, "fine-tuning", copied, self.recognition_loss, self.begin_fine_tuning))
        return stages

    def _stage(self, kind: int, name, parameters, loss, begin, momentum: float = 0.9, **changes) -> Stage:
        """A stage of one of the four kinds that have a share and a rate; machines of the first kind divide theirs."""
        share = self.shares[kind] / (len(self.rbms) if kind == 0 else 1)
        optimizer = momentum_sgd(self.rates[kind], self.weight_decay, momentum)
        return Stage(name, list(parameters), loss, share=share, optimizer=optimizer, begin=begin, **changes)

    def greedy_loss(self, depth: int, batch: Batch) -> Tensor:
        """CD-k of the RBM at `depth` on states of the one below it."""
        rbm = self.rbms[depth]
        data = on_data(rbm, self.up(to_units(batch.x), depth))
        return contrastive_loss(rbm, data, gibbs(rbm, data.h, self.sweeps[0]), self.centred)

    def top_loss(self, batch: Batch) -> Tensor:
        """The top RBM on states and labels, against its own chains, which move."""
        data = on_data(self.top, self.top_states(batch.x, batch.label))
        model = self.chains.advance(self.top, self.sweeps[1], self.noise)
        return contrastive_loss(self.top, data, model, self.centred)

    def up_down_loss(self, batch: Batch) -> Tensor:
        """Contrastive wake-sleep of all weights on drawn states."""
        v, label = bernoulli(to_units(batch.x)), F.one_hot(batch.label, self.n_classes).to(batch.x.dtype)
        return up_down_loss(self.rbms, self.down, self.top, v, label, self.sweeps[2])

    def recognition_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the recogniser on drawn states: the noise regularises it (results/LOG.md)."""
        return F.cross_entropy(self.recogniser(bernoulli(to_units(batch.x))), batch.label)

    def begin_greedy(self, depth: int) -> None:
        self.rbms[depth].start_at_log_odds(self.up(to_units(self.seen), depth))

    def begin_top(self) -> None:
        self.top.start_at_log_odds(self.top_states(self.seen, self.seen_label))
        self.chains.begin(self.top, self.noise)

    def begin_up_down(self) -> None:
        untie(self.rbms, self.down)

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
        label = mean[:, -self.n_classes :].argmax(1) if self.labels == "clamped" else None
        for _ in range(nfe):
            mean = self._sweep(mean, generator)
        v = mean[:, : -self.n_classes]
        for layer in reversed(self.down):
            v = layer.v_given_h(v)
        return to_images(v, self.shape), label

    def _sweep(self, v: Tensor, generator: torch.Generator) -> Tensor:
        """Means of the top RBM's visible units after a sweep from means v; clamped labels stay."""
        mean = self.top(v, generator)
        if self.labels == "clamped":
            mean[:, -self.n_classes :] = v[:, -self.n_classes :]
        return mean

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """Visible states of the top RBM on data, (B, width + n_classes), at every step: sweeps have no schedule."""
        return self.top_states(x, label, generator)

    @torch.no_grad()
    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        return self.top.sample_v(self._sweep(state, generator), generator)

    def logits(self, x: Tensor) -> Tensor:
        if self.recogniser:
            return self.recogniser(to_units(x))
        return -self.top.free_energy_of_labels(self._codes(x))

    def features(self, x: Tensor) -> Tensor:
        if self.recogniser:
            return self.recogniser.features(to_units(x))
        return torch.sigmoid(self._codes(x) @ self.top.W[: -self.n_classes] + self.top.hbias)

    def _codes(self, x: Tensor) -> Tensor:
        """Probabilities of the layer below the top RBM, by a deterministic pass upwards."""
        v = to_units(x)
        for rbm in self.rbms:
            v = rbm.h_given_v(v)
        return v

    def log_likelihood(self, x: Tensor, label: Tensor, generator: torch.Generator) -> Likelihood:
        """A lower bound for drawn binary pixels (`stack_likelihood` says what bounds what); needs no `label`."""
        rbms, down, top = (deepcopy(part).double().requires_grad_(False) for part in (self.rbms, self.down, self.top))
        v = bernoulli(to_units(x).double(), generator)
        # The chains of training are the longest run of the model that there is; all zero, they have not begun.
        h = self.chains.h[-1]
        samples = gibbs(self.top, h, 1, generator).v if h.any() else self.noise(len(h), generator)
        return stack_likelihood(rbms, down, top, v, samples[:N_AIS_CHAINS].double(), generator)


def _check(**options: str | Sequence[float]) -> None:
    for name, value in options.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"{name} = {value!r}; allowed: {', '.join(CHOICES[name])}")
        if name in LENGTHS and len(value) != LENGTHS[name]:
            raise ValueError(f"{name} = {list(value)}; allowed: {LENGTHS[name]} numbers")
        if name in COUNTS and min(value, default=0) < 1:
            raise ValueError(f"{name} = {list(value)}; allowed: 1 or more")
    if len(options["widths"]) < 2:
        raise ValueError(f"widths = {list(options['widths'])}; allowed: two or more, one a hidden layer")
    if min(options["shares"][:2]) <= 0 or min(options["shares"]) < 0:
        raise ValueError(f"shares = {list(options['shares'])}; allowed: two positive numbers, then two that may be 0")
