"""Deep belief network: restricted Boltzmann machines learnt greedily, one layer at a time; then fine-tuning.

Source: Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18, 2006
(greedy learning: section 4; up-down: section 5; label units, free energies and sampling: section 6); the chains of the
top machine: `parts/fantasies`; fine-tuning by backpropagation: Hinton & Salakhutdinov, Science 313, 2006.

symbol    meaning                                                              shape
x         image, in [-1, 1]                                                    (B, C, H, W)
v         visible states of an RBM; (x + 1) / 2 are their means in the first   (B, width below)
          if they are binary, else x over its spread is they themselves
h         hidden states, visible ones of the next RBM                          (B, width)
top       RBM over [h, label]: the chain that generates                        (B, width + n_classes)
chains    hidden units of the top RBM where its chains last ended              (n_temperatures, n_chains, width)

Differs: data enter every RBM as drawn binary states, not as probabilities, which samples, being binary, cannot match
(results/LOG.md); the top RBM learns by PCD with a rate falling to 0, since chains of a CD-trained one drift into noise;
momentum is .9 throughout CD; unless asked for, no up-down: recognition fine-tunes its own copy, on drawn states, with
dropout (Hinton et al. 2012, arXiv 1207.0580, which fine-tunes this very network by it) as an option.
A single RBM, with or without label units, is the stack of one width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Likelihood, Paradigm, Stage
from paradigms.parts.networks.recogniser import Recogniser
from paradigms.parts.optimizers.momentum import momentum_sgd
from paradigms.parts.options import numbers, one_of, positive
from paradigms.parts.rbm.contrastive import contrastive_loss, on_data
from paradigms.parts.rbm.greedy import CLIMBS, N_SEEN, Greedy
from paradigms.parts.rbm.negative_phase import KINDS, Fantasies
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.stack_likelihood import stack_likelihood
from paradigms.parts.rbm.units import UNITS
from paradigms.parts.rbm.up_down import untie, untied, up_down_loss
from paradigms.parts.rbm.visible_units import VisibleUnits
from paradigms.training.defaults import linear

CHOICES = {"labels": ("clamped", "free", "none"), "recognition": ("fine-tuned", "free energy")}
CHOICES |= {"chains": KINDS, "pixels": tuple(UNITS), "climb": CLIMBS}
LENGTHS = {"sweeps": 3, "rates": 4, "shares": 4}
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
        pixels: str = "binary",
        labels: str = "clamped",
        recognition: str = "fine-tuned",
        drawn: bool = True,
        dropout: float = 0.0,
        chains: str = "persistent",
        n_chains: int = 256,
        n_temperatures: int = 10,
        centred: bool = False,
        climb: str = "states",
        weight_decay: float = 0.0,
        batch_size: int = 256,
        sweeps: Sequence[int] = (1, 1, 3),
        rates: Sequence[float] = (0.2, 0.4, 0.01, 0.1),
        shares: Sequence[float] = (0.15, 0.65, 0.0, 0.2),
        n_betas: int = 400,
    ):
        """widths: hidden units of each RBM, the top one last. pixels: kind of the lowest units. labels: units of the
        top RBM, while sampling "clamped" to a uniform draw or "free"; or "none". recognition: by the "fine-tuned" copy
        of the weights, on `drawn` states or pixels, with `dropout` of hidden units, or by the "free energy" of the top
        RBM. chains, n_chains, n_temperatures: of the top RBM, as in `Fantasies`. centred: every RBM's gradient. climb:
        "states" or "means", as in `Greedy`. n_betas: of annealing. weight_decay, batch_size: of RBMs. sweeps, rates,
        shares: Gibbs sweeps, rate, share of budget of RBMs below, top, up-down, fine-tuning; at 0 the last two go."""
        super().__init__(shape, n_classes)
        one_of(CHOICES, pixels=pixels, labels=labels, recognition=recognition, chains=chains, climb=climb)
        positive(widths=list(widths), sweeps=list(sweeps), n_betas=n_betas, batch_size=batch_size)
        numbers(LENGTHS, sweeps=sweeps, rates=rates, shares=shares)
        _refuse(widths, pixels, labels, recognition, shares)
        self.shares = (*shares[:3], shares[3] if recognition == "fine-tuned" else 0.0)
        self._build([shape[0] * shape[1] * shape[2], *widths], pixels, climb, 0 if labels == "none" else n_classes)
        self.recogniser = Recogniser(self.sizes, n_classes, drop=dropout) if recognition == "fine-tuned" else None
        self.chains = Fantasies(chains, n_chains, widths[-1], n_temperatures)
        self.labels, self.drawn, self.centred, self.weight_decay = labels, drawn, centred, weight_decay
        self.batch_size, self.n_betas, self.sweeps, self.rates = batch_size, n_betas, tuple(sweeps), tuple(rates)

    def _build(self, sizes: list[int], pixels: str, climb: str, n_labels: int) -> None:
        kinds = [pixels, *["binary"] * len(sizes)]
        machines = zip(pairwise(sizes[:-1]), kinds, strict=False)
        self.rbms = Greedy((RBM(n, m, visible=kind) for (n, m), kind in machines), climb)
        self.sizes, self.n_units, self.pixels = sizes, sizes[-2], VisibleUnits(pixels, self.shape)
        self.top = RBM(self.n_units, sizes[-1], n_labels, kinds[len(self.rbms)])
        self.untied = untied(self.rbms) if self.shares[2] else None
        self.register_buffer("seen", torch.empty(0), persistent=False)
        self.register_buffer("seen_label", torch.empty(0, dtype=torch.int64), persistent=False)

    @property
    def down(self) -> nn.ModuleList:
        """The generative weights below the top RBM: the RBMs', until up-down gives them their own."""
        return self.untied or self.rbms

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.seen, self.seen_label = x[:N_SEEN], label[:N_SEEN]
        self.pixels.observe(self.seen)

    def stages(self) -> list[Stage]:
        stages = []
        for depth, rbm in enumerate(self.rbms):
            loss, begin = partial(self.greedy_loss, depth), partial(self.begin_greedy, depth)
            stages.append(self._stage(0, f"rbm {depth + 1}", rbm.parameters(), loss, begin, batch_size=self.batch_size))
        changes = {"batch_size": self.batch_size}
        if self.chains.kind != "data":  # such chains want a rate that falls to 0 and no momentum (Tieleman 2008)
            changes |= {"momentum": 0.0, "schedule": linear}
        stages.append(self._stage(1, "top rbm", self.top.parameters(), self.top_loss, self.begin_top, **changes))
        if self.shares[2]:
            upwards = [p for rbm in self.rbms for p in (rbm.W, rbm.hbias)]
            moved = [*upwards, *self.down.parameters(), *self.top.parameters()]
            stages.append(self._stage(2, "up-down", moved, self.up_down_loss, partial(untie, self.rbms, self.down)))
        if self.shares[3]:
            copied = self.recogniser.parameters()
            stages.append(self._stage(3, "fine-tuning", copied, self.recognition_loss, self.begin_fine_tuning))
        return stages

    def _stage(self, kind: int, name, parameters, loss, begin, momentum: float = 0.9, **changes) -> Stage:
        """A stage of one of the four kinds that have a share and a rate; machines of the first kind divide theirs."""
        share = self.shares[kind] / (len(self.rbms) if kind == 0 else 1)
        changes |= {"optimizer": momentum_sgd(self.rates[kind], self.weight_decay, momentum), "begin": begin}
        return Stage(name, list(parameters), loss, share=share, steady=True, **changes)

    def greedy_loss(self, depth: int, batch: Batch) -> Tensor:
        """CD-k of the RBM at `depth` on states of the one below it."""
        return self.rbms.loss(depth, self.below(depth, batch.x), self.sweeps[0], self.centred)

    def top_loss(self, batch: Batch) -> Tensor:
        """The top RBM on states and labels, against its own chains, which move."""
        data = on_data(self.top, self.top_states(batch.x, batch.label))
        model = self.chains.advance(self.top, data, self.sweeps[1])
        return contrastive_loss(self.top, data, model, self.centred)

    def up_down_loss(self, batch: Batch) -> Tensor:
        """Contrastive wake-sleep of all weights on drawn states."""
        v, label = self.pixels.states(batch.x), F.one_hot(batch.label, self.n_classes).to(batch.x.dtype)
        return up_down_loss(self.rbms, self.down, self.top, v, label, self.sweeps[2])

    def recognition_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the recogniser; on drawn states, whose noise regularises it (results/LOG.md)."""
        v = self.pixels.states(batch.x) if self.drawn else self.pixels.means(batch.x)
        return F.cross_entropy(self.recogniser(v), batch.label)

    def begin_greedy(self, depth: int) -> None:
        self.rbms.begin(depth, self.below(depth, self.seen))

    def begin_top(self) -> None:
        self.top.start_at(self.top_states(self.seen, self.seen_label))
        self.chains.begin(self.top)

    def begin_fine_tuning(self) -> None:
        top = (self.top.W[: self.n_units], self.top.hbias)
        self.recogniser.adopt([*((rbm.W, rbm.hbias) for rbm in self.rbms), top])

    def below(self, depth: int, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What images x show of the pixels, (B, C H W), to the machine at `depth`."""
        means = depth and self.rbms.climb == "means"
        return self.pixels.means(x) if means else self.pixels.states(x, generator)

    def top_states(self, x: Tensor, label: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Visible states of the top RBM, (B, width + n_classes): the layer below it and one label unit, if any."""
        h = self.rbms.up(self.below(len(self.rbms), x, generator), len(self.rbms), generator)
        return torch.cat([h, F.one_hot(label, self.n_classes).to(h.dtype)], dim=1) if self.top.n_labels else h

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
        mean = self.top.noise(n, generator)
        label = mean[:, self.n_units :].argmax(1) if self.labels == "clamped" else None
        for _ in range(nfe):
            mean = self._sweep(mean, generator)
        return self.down_to_images(mean[:, : self.n_units]), label

    def down_to_images(self, v: Tensor) -> Tensor:
        """Images (B, C, H, W) from means v (B, width) of the units below the top RBM: a mean-field pass."""
        for layer in reversed(self.down):
            v = layer.v_given_h(v)
        return self.pixels.images(v)

    def _sweep(self, v: Tensor, generator: torch.Generator) -> Tensor:
        """Means of the top RBM's visible units after a sweep from means v; clamped labels stay."""
        mean = self.top(v, generator)
        if self.labels == "clamped":
            mean[:, self.n_units :] = v[:, self.n_units :]
        return mean

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """Visible states of the top RBM on data, (B, width + n_classes), at every step: sweeps have no schedule."""
        return self.top_states(x, label, generator)

    @torch.no_grad()
    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        return self.top.sample_v(self._sweep(state, generator), generator)

    def logits(self, x: Tensor) -> Tensor:
        if self.recogniser:
            return self.recogniser(self.pixels.means(x))
        return -self.top.free_energy_of_labels(self.rbms.means(self.pixels.means(x)))

    def features(self, x: Tensor) -> Tensor:
        return self.recogniser.features(self.pixels.means(x)) if self.recogniser else self.codes(x)

    def codes(self, x: Tensor) -> Tensor:
        """Probabilities of the top hidden units, (B, width), by a deterministic pass upwards without label."""
        return torch.sigmoid(self.rbms.means(self.pixels.means(x)) @ self.top.W[: self.n_units] + self.top.hbias)

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Up through every RBM and down again, by means; label units take no part."""
        return self.down_to_images(self.top.v_given_h(self.codes(x))[:, : self.n_units])

    def log_likelihood(self, x: Tensor, label: Tensor, generator: torch.Generator) -> Likelihood:
        """A lower bound for drawn binary pixels (`stack_likelihood` says what bounds what); needs no `label`."""
        v, samples = self.pixels.states(x, generator), self.chains.samples(self.top, generator)
        return stack_likelihood(self.rbms, self.down, self.top, v, samples[:N_AIS_CHAINS], generator, self.n_betas)


def _refuse(widths: Sequence[int], pixels: str, labels: str, recognition: str, shares: Sequence[float]) -> None:
    if labels == "none" and recognition == "free energy":
        raise ValueError("recognition = 'free energy' with labels = 'none'; allowed: 'fine-tuned'")
    if pixels == "gaussian" and (len(widths) < 2 or shares[2]):
        raise ValueError("pixels = 'gaussian' with one of widths or with up-down; allowed: 'binary'")
