"""The interface of the project: a paradigm is a list of optimisation problems, and what the trained model can do.

To add one, write a file in this folder with one subclass of `Paradigm`: the facts for the tables, `stages()`, and those
of the other methods that make sense for it. Nothing else has to be edited.

symbol    meaning                                                        shape
x         images, float in [-1, 1]                                       (B, C, H, W)
label     classes                                                        (B,), int64
t         time: 0 is data, 1 is noise                                    (B,)
nfe       number of function evaluations: forward passes through the
          network (the link) that a sampling chain spends on one sample
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

import torch
from torch import Tensor, nn

from paradigms.training.solver import NonFinite, Solver, derive_seed
from paradigms.training.stage import Batch, Player, Stage

__all__ = ["Batch", "Likelihood", "NonFinite", "Paradigm", "Player", "Stage", "derive_seed"]


class Likelihood(NamedTuple):
    """Mean log-likelihood of images, in nats per image.

    ais: estimate by annealed importance sampling.
    ais_low: lower end of a bracket from annealing in both directions, widened by three standard errors.
    ais_high: upper end of the bracket.
    exact: the same quantity by enumeration, None where the model is too large for it.
    method: one line that says how `ais` was estimated and what the bracket bounds.
    """

    ais: float
    ais_low: float
    ais_high: float
    exact: float | None
    method: str


class Paradigm(Solver):
    """A way to train a model, as a list of stages, and the abilities of the trained model.

    A subclass says what is optimised (`stages`); the base class owns how (`training/solver.py`), identically for all.
    The methods below that raise NotImplementedError are abilities: a subclass implements those that it has, and the
    tables show a dash for the others. Options are keyword-only arguments of `__init__`, each with a default, so a
    preset can set any of them by name.

    Facts for the tables, as class attributes
        title: one line for tables and legends.
        era: "layer-wise", "step-wise", "towards end-to-end" or "end-to-end".
        reference: the paper.
        task: "recognition" or "generation"; decides which budget of training FLOPs applies.
        samplers: allowed values of `sampler`, the default one first.
    """

    title: ClassVar[str]
    era: ClassVar[str]
    reference: ClassVar[str]
    task: ClassVar[str]
    samplers: ClassVar[tuple[str, ...]] = ("default",)

    def __init__(self, shape: tuple[int, int, int], n_classes: int):
        """Builds the untrained model; all its random initial weights come from torch's global generator.

        shape: (C, H, W) of one image.
        n_classes: number of classes.
        """
        super().__init__()
        self.shape, self.n_classes = tuple(shape), n_classes

    # Training

    def observe(self, x: Tensor, label: Tensor) -> None:
        """Takes what it needs from the training split; called once, before the first stage.

        Whatever is kept goes into buffers, large ones with `persistent=False`, so that they follow the device and stay
        out of saved weights.

        x: all training images, (N, C, H, W).
        label: their classes, (N,).
        """

    def stages(self) -> list[Stage]:
        """Returns the optimisation problems in the order in which they are solved."""
        raise NotImplementedError

    # Generation

    def link(self) -> nn.Module:
        """Returns the module whose forward pass is one function evaluation (NFE) of the sampling chain."""
        raise NotImplementedError

    def allows(self, nfe: int, sampler: str) -> bool:
        """Returns whether `sample` can spend exactly `nfe` evaluations with `sampler`."""
        return nfe >= 1

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        """Returns n images, (n, C, H, W) in [-1, 1], generated from noise alone.

        n: number of images.
        nfe: evaluations of `link()` per image.
        generator: source of all randomness, on the module's device.
        sampler: one of `samplers`, or "default" for the first of them.
        """
        raise NotImplementedError

    def sample_labelled(
        self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default", label: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Returns images and the classes that they were requested in; without `label` the images are those of `sample`.

        The classes are (n,) int64, or None where the model is not conditioned on the class. Arguments as in `sample`.

        label: classes to request, (n,) int64; None for uniformly drawn ones. Raises ValueError where the model is not
            conditioned on the class.
        """
        raise NotImplementedError

    # Recognition and representation

    def logits(self, x: Tensor) -> Tensor:
        """Returns class scores, (B, n_classes), of images x (B, C, H, W)."""
        raise NotImplementedError

    def features(self, x: Tensor) -> Tensor:
        """Returns the learned representation, (B, D), of images x (B, C, H, W)."""
        raise NotImplementedError

    def reconstruct(self, x: Tensor) -> Tensor:
        """Returns the deterministic reconstruction, (B, C, H, W) in [-1, 1], of images x from their highest code."""
        raise NotImplementedError

    def log_likelihood(self, x: Tensor, label: Tensor, generator: torch.Generator) -> Likelihood:
        """Returns the mean log-likelihood of images x (B, C, H, W) with classes label (B,).

        generator: source of all randomness.
        """
        raise NotImplementedError

    # The chain step by step, for the measurement of the mismatch between training and sampling

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """Returns the states, (B, ...), that training on these images would give to the link at a step of the chain.

        x, label: images (B, C, H, W) and their classes (B,).
        step: 0 for the start of the chain, `nfe` for its end, where the states are the images as the chain represents
            them.
        nfe: steps of the chain.
        generator: source of all randomness; equal generators give the same noise at every step.
        """
        raise NotImplementedError

    def chain_step(
        self,
        state: Tensor,
        step: int,
        nfe: int,
        generator: torch.Generator,
        sampler: str,
        label: Tensor | None = None,
    ) -> Tensor:
        """Returns the chain's states at `step + 1` from its states (B, ...) at `step`, by one evaluation of the link.

        label: classes, (B,), for a chain that is conditioned on them and whose states do not hold them; no other chain
            takes this argument.

        Raises NotImplementedError for a sampler whose step needs more than the current state.
        """
        raise NotImplementedError

    @classmethod
    @final
    def can(cls, ability: str) -> bool:
        """Returns whether the class implements a method that the base class leaves open, such as "sample"."""
        return getattr(cls, ability) is not getattr(Paradigm, ability)
