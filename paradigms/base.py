"""The only interface of the project: a paradigm is a list of optimisation problems, and what the trained chain can do.

Time is 0 at the data and 1 at the noise. Images are (B, C, H, W) float in [-1, 1]; labels are (B,) int64.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

import torch
from torch import Tensor, nn

from paradigms.training.solver import NonFinite, Solver, derive_seed
from paradigms.training.stage import Batch, Stage

__all__ = ["Batch", "Likelihood", "NonFinite", "Paradigm", "Stage", "derive_seed"]


class Likelihood(NamedTuple):
    """Mean log-likelihood of images in nats per image; `None` where it cannot be had.

    ais: the estimate. ais_low, ais_high: a bracket that holds it, from annealing in both directions and three standard
    errors. exact: the same quantity by enumeration. method: one line that says what `ais` is and what bounds what.
    """

    ais: float
    ais_low: float
    ais_high: float
    exact: float | None
    method: str


class Paradigm(Solver):
    """A way to train, as a list of stages; subclasses say what is optimised, the base owns how.

    A subclass gives the facts, `stages()` and any of `sample`, `logits`, `features`; what it leaves out is a dash in
    the tables. Its options are the keyword-only arguments of its `__init__`, all with defaults.
    """

    title: ClassVar[str]  # one line for tables and legends
    era: ClassVar[str]  # "layer-wise", "end-to-end", "step-wise", ...
    reference: ClassVar[str]  # the paper
    task: ClassVar[str]  # "recognition" or "generation": which FLOP budget applies
    samplers: ClassVar[tuple[str, ...]] = ("default",)  # values of `sampler`, the default one first

    def __init__(self, shape: tuple[int, int, int], n_classes: int):
        """shape: (C, H, W) of one image; n_classes: number of labels."""
        super().__init__()
        self.shape, self.n_classes = tuple(shape), n_classes

    def observe(self, x: Tensor, label: Tensor) -> None:
        """See the training split once, before the first stage: x (N, C, H, W), label (N,). Keep what is needed in
        buffers; register large ones with persistent=False."""

    def stages(self) -> list[Stage]:
        """The optimisation problems in the order in which they are solved."""
        raise NotImplementedError

    def link(self) -> nn.Module:
        """The module of the inference chain of which one forward pass is one function evaluation (NFE)."""
        raise NotImplementedError

    def allows(self, nfe: int, sampler: str) -> bool:
        """Whether `sample` can spend exactly `nfe` evaluations with `sampler`."""
        return nfe >= 1

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        """n images (n, C, H, W) in [-1, 1], drawn from noise alone with `nfe` evaluations of `link()` a sample.

        All randomness comes from `generator`, whose device is the module's.
        """
        raise NotImplementedError

    def sample_labelled(
        self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default"
    ) -> tuple[Tensor, Tensor | None]:
        """The same images as `sample` for the same generator, and the labels (n,) int64 that they were asked for.

        None instead of labels where an option makes the chain choose.
        """
        raise NotImplementedError

    def logits(self, x: Tensor) -> Tensor:
        """Class scores (B, n_classes) of images x (B, C, H, W)."""
        raise NotImplementedError

    def features(self, x: Tensor) -> Tensor:
        """Learned representation (B, D) of images x (B, C, H, W)."""
        raise NotImplementedError

    def reconstruct(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] that the model makes, without noise, of what it keeps of x (B, C, H, W)."""
        raise NotImplementedError

    def log_likelihood(self, x: Tensor, label: Tensor, generator: torch.Generator) -> Likelihood:
        """Mean log-likelihood of images x (B, C, H, W) with labels (B,); all randomness comes from `generator`."""
        raise NotImplementedError

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """The states (B, ...) at `step` that training on images x (B, C, H, W) and label (B,) would feed the link.

        Equal generators give the same noise at every step. At `step` = `nfe` they are the data as the chain sees them.
        """
        raise NotImplementedError

    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        """The next states of the chain of `nfe` steps from states (B, ...) at `step`: one call of the link.

        Raises NotImplementedError for a sampler whose step needs more than the state.
        """
        raise NotImplementedError

    @classmethod
    @final
    def can(cls, ability: str) -> bool:
        """Whether the class implements `ability`: the name of a method that the base leaves open, such as "sample"."""
        return getattr(cls, ability) is not getattr(Paradigm, ability)
