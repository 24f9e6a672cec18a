"""Deep belief network: restricted Boltzmann machines (RBMs) trained greedily, one layer at a time; then fine-tuning.

Source: Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18, 2006 (greedy
training: section 4; up-down: section 5; label units, free energies and sampling: section 6). Energy, contrastive
divergence and chains: `parts/rbm`. Fine-tuning by backpropagation: Hinton & Salakhutdinov, Science 313, 2006.

symbol    meaning                                                              shape
x         image, in [-1, 1]                                                    (B, C, H, W)
v         visible states of an RBM; of the first, sampled from (x + 1) / 2     (B, width below)
h         hidden states, the visible states of the next RBM                    (B, width)
top       RBM over [h, label]: its Gibbs chain generates                       (B, width + n_classes)
chains    means of the hidden units of the top RBM where its chains ended      (n_chains, width)

Differs:
- Pixels enter the first RBM as sampled binary states, not as probabilities (compared in results/LOG.md).
- The top RBM is trained with persistent chains and a rate that falls to 0: after CD-1, chains from noise do not reach
  the data within 1,000 sweeps (docs/layerwise.md).
- Momentum is 0.9 throughout contrastive divergence. By default there is no up-down: recognition fine-tunes a copy of
  the weights, on sampled states, with optional dropout (as Hinton et al. 2012, arXiv 1207.0580, do with this network).
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
from paradigms.parts.rbm.binary_units import bernoulli, to_images, to_units
from paradigms.parts.rbm.contrastive import contrastive_loss, on_data
from paradigms.parts.rbm.negative_phase import KINDS, NegativePhase
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.stack import N_SEEN, PASSED_UP, RBMStack
from paradigms.parts.rbm.stack_likelihood import stack_likelihood
from paradigms.parts.rbm.up_down import untie, untied, up_down_loss
from paradigms.training.defaults import linear

LABELS, RECOGNITION = ("clamped", "none"), ("fine-tuned", "free energy")
CHOICES = {"labels": LABELS, "recognition": RECOGNITION, "chains": KINDS, "climb": PASSED_UP}
N_AIS_CHAINS = 64


class DBN(Paradigm):
    """Deep belief network. Options; a value outside its range raises ValueError:

    Network
        widths: hidden units of each RBM, the top one last; one width makes a single RBM.
        labels: "clamped": label units in the top RBM, held at a uniformly sampled class while it generates; or "none".
        recognition: "fine-tuned": a copy of the weights under a softmax, trained by backpropagation; or "free energy":
            the class whose label gives the top RBM the lowest free energy, which needs label units.
    Training of the RBMs
        chains: negative phase of the top RBM: "persistent", "data" or "noise", as in `NegativePhase`.
        n_chains: number of chains; unused where they start at the data.
        centred: whether RBMs use the centred gradient.
        climb: what an RBM passes to the one above: sampled "states", or "means" (probabilities), as in `RBMStack`.
        weight_decay: on weights, in every stage.
        batch_size: images per update of an RBM.
    Fine-tuning of the copy
        drawn: whether its inputs are sampled binary states of the pixels, or else their probabilities.
        dropout: probability that a hidden unit is dropped, in [0, 1).
    Length and rate of each phase
        sweeps: Gibbs sweeps per update: of the lower RBMs, of the top RBM, of the top RBM in up-down.
        rates: learning rates: of the lower RBMs, of the top RBM, of up-down, of fine-tuning.
        shares: weights of the same four phases in the budget; up-down and fine-tuning are left out at 0.
    Scoring
        n_betas: temperature steps of the annealed importance sampling in `log_likelihood`.
    """

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
        centred: bool = False,
        climb: str = "states",
        weight_decay: float = 0.0,
        batch_size: int = 256,
        drawn: bool = True,
        dropout: float = 0.0,
        sweeps: Sequence[int] = (1, 1, 3),
        rates: Sequence[float] = (0.2, 0.4, 0.01, 0.1),
        shares: Sequence[float] = (0.15, 0.65, 0.0, 0.2),
        n_betas: int = 400,
    ):
        super().__init__(shape, n_classes)
        one_of(CHOICES, labels=labels, recognition=recognition, chains=chains, climb=climb)
        positive(widths=list(widths), sweeps=list(sweeps), n_betas=n_betas, batch_size=batch_size)
        numbers({"sweeps": 3, "rates": 4, "shares": 4}, sweeps=sweeps, rates=rates, shares=shares)
        if labels == "none" and recognition == "free energy":
            raise ValueError("recognition = 'free energy' with labels = 'none'; allowed: 'fine-tuned'")
        self.shares = (*shares[:3], shares[3] if recognition == "fine-tuned" else 0.0)
        sizes = [shape[0] * shape[1] * shape[2], *widths]
        self.n_units = sizes[-2]  # visible units of the top RBM without labels
        self.rbms = RBMStack((RBM(n, m) for n, m in pairwise(sizes[:-1])), climb)
        self.top = RBM(self.n_units, widths[-1], 0 if labels == "none" else n_classes)
        self.untied = untied(self.rbms) if self.shares[2] else None
        self.register_buffer("seen", torch.empty(0), persistent=False)
        self.register_buffer("seen_label", torch.empty(0, dtype=torch.int64), persistent=False)
        self.recogniser = Recogniser(sizes, n_classes, drop=dropout) if recognition == "fine-tuned" else None
        self.chains = NegativePhase(chains, n_chains, widths[-1])
        self.drawn, self.centred, self.weight_decay = drawn, centred, weight_decay
        self.batch_size, self.n_betas, self.sweeps, self.rates = batch_size, n_betas, tuple(sweeps), tuple(rates)

    @property
    def down(self) -> nn.ModuleList:
        """The generative weights below the top RBM: those of the RBMs, until up-down unties them."""
        return self.untied or self.rbms

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.seen, self.seen_label = x[:N_SEEN], label[:N_SEEN]

    def stages(self) -> list[Stage]:
        stages = []
        for depth, rbm in enumerate(self.rbms):
            loss, begin = partial(self.greedy_loss, depth), partial(self._begin_greedy, depth)
            stages.append(self._stage(0, f"rbm {depth + 1}", rbm.parameters(), loss, begin, batch_size=self.batch_size))
        # Chains that do not start at the data need a rate that falls to 0 and no momentum (Tieleman 2008).
        changes = {} if self.chains.kind == "data" else {"momentum": 0.0, "schedule": linear}
        changes["batch_size"] = self.batch_size
        stages.append(self._stage(1, "top rbm", self.top.parameters(), self.top_loss, self.begin_top, **changes))
        if self.shares[2]:
            upwards = [p for rbm in self.rbms for p in (rbm.W, rbm.hbias)]
            trained = [*upwards, *self.down.parameters(), *self.top.parameters()]
            stages.append(self._stage(2, "up-down", trained, self.up_down_loss, partial(untie, self.rbms, self.down)))
        if self.shares[3]:
            copied = self.recogniser.parameters()
            stages.append(self._stage(3, "fine-tuning", copied, self.recognition_loss, self.begin_fine_tuning))
        return stages

    def _stage(self, phase: int, name, parameters, loss, begin, momentum: float = 0.9, **changes) -> Stage:
        """A stage of one of the four phases that have a share and a rate; the lower RBMs divide the share of theirs."""
        share = self.shares[phase] / (len(self.rbms) if phase == 0 else 1)
        changes |= {"optimizer": momentum_sgd(self.rates[phase], self.weight_decay, momentum), "begin": begin}
        return Stage(name, list(parameters), loss, share=share, steady=True, **changes)

    def greedy_loss(self, depth: int, batch: Batch) -> Tensor:
        """CD-k of the RBM at `depth`, a scalar."""
        return self.rbms.loss(depth, self.below(depth, batch.x), self.sweeps[0], self.centred)

    def top_loss(self, batch: Batch) -> Tensor:
        """Contrastive loss of the top RBM on hidden states and labels, a scalar; advances its chains."""
        data = on_data(self.top, self.top_states(batch.x, batch.label))
        model = self.chains.advance(self.top, data, self.sweeps[1])
        return contrastive_loss(self.top, data, model, self.centred)

    def up_down_loss(self, batch: Batch) -> Tensor:
        """Contrastive wake-sleep of all weights on sampled states, a scalar."""
        v, label = bernoulli(to_units(batch.x)), F.one_hot(batch.label, self.n_classes).to(batch.x.dtype)
        return up_down_loss(self.rbms, self.down, self.top, v, label[:, : self.top.n_labels], self.sweeps[2])

    def recognition_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the recogniser, a scalar; with `drawn`, sampling noise regularises it (results/LOG.md)."""
        v = to_units(batch.x)
        return F.cross_entropy(self.recogniser(bernoulli(v) if self.drawn else v), batch.label)

    def _begin_greedy(self, depth: int) -> None:
        self.rbms.begin(depth, self.below(depth, self.seen))

    def begin_top(self) -> None:
        self.top.set_visible_biases(self.top_states(self.seen, self.seen_label))
        self.chains.begin(self.top)

    def begin_fine_tuning(self) -> None:
        lower = ((rbm.W, rbm.hbias) for rbm in self.rbms)
        self.recogniser.adopt([*lower, (self.top.W[: self.n_units], self.top.hbias)])

    def below(self, depth: int, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Pixel units (B, C H W) of images x (B, C, H, W) from which `RBMStack.up` computes the data of RBM `depth`."""
        v = to_units(x)
        return v if depth and self.rbms.passed_up == "means" else bernoulli(v, generator)

    def top_states(self, x: Tensor, label: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Visible states of the top RBM, (B, width + n_classes): sampled states of the layer below, one-hot labels."""
        h = self.rbms.up(self.below(len(self.rbms), x, generator), len(self.rbms), generator)
        return torch.cat([h, F.one_hot(label, self.n_classes).to(h.dtype)], dim=1) if self.top.n_labels else h

    def link(self) -> nn.Module:
        return self.top

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        return self.sample_labelled(n, nfe, generator, sampler)[0]

    @torch.no_grad()
    def sample_labelled(
        self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default", label: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Images after `nfe` Gibbs sweeps from noise and a mean-field pass down; their clamped labels or None."""
        mean = self.top.noise(n, generator, label)
        label = mean[:, self.n_units :].argmax(1) if self.top.n_labels else None
        for _ in range(nfe):
            mean = self._sweep(mean, generator)
        return self.down_to_images(mean[:, : self.n_units]), label

    def down_to_images(self, v: Tensor) -> Tensor:
        """Images (B, C, H, W) from means v (B, width) of the units below the top RBM: a mean-field pass."""
        for layer in reversed(self.down):
            v = layer.v_given_h(v)
        return to_images(v, self.shape)

    def _sweep(self, v: Tensor, generator: torch.Generator) -> Tensor:
        """Means of the top RBM's visible units after a Gibbs sweep from means v, with the labels of v clamped."""
        mean = self.top(v, generator)
        mean[:, self.n_units :] = v[:, self.n_units :]
        return mean

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """Visible states of the top RBM on data, (B, width + n_classes), at every step: sweeps have no schedule."""
        return self.top_states(x, label, generator)

    @torch.no_grad()
    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        return self.top.sample_v(self._sweep(state, generator), generator)

    def logits(self, x: Tensor) -> Tensor:
        v = to_units(x)
        return self.recogniser(v) if self.recogniser else -self.top.free_energy_of_labels(self.rbms.means(v))

    def features(self, x: Tensor) -> Tensor:
        return self.recogniser.features(to_units(x)) if self.recogniser else self.codes(x)

    def codes(self, x: Tensor) -> Tensor:
        """Probabilities of the top hidden units, (B, width), by a deterministic pass upwards without label."""
        return torch.sigmoid(self.rbms.means(to_units(x)) @ self.top.W[: self.n_units] + self.top.hbias)

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) by a mean-field pass up through every RBM and down again, without label units."""
        return self.down_to_images(self.top.v_given_h(self.codes(x))[:, : self.n_units])

    def log_likelihood(self, x: Tensor, label: Tensor, generator: torch.Generator) -> Likelihood:
        """Bracketed lower bound for sampled binary pixels, as in `stack_likelihood`; `label` is not used."""
        v, samples = bernoulli(to_units(x), generator), self.chains.samples(self.top, generator)
        return stack_likelihood(self.rbms, self.down, self.top, v, samples[:N_AIS_CHAINS], generator, self.n_betas)
