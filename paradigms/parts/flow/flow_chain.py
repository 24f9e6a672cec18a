"""What all paradigms with a network `net(x_t, t, r, label)` share: the training split, sampling, and the chain's steps.

symbol    meaning                                                          shape
x         images, in [-1, 1]                                               (B, C, H, W)
t, r      times, 0 = data, 1 = noise; a step goes from t to r <= t         (B,)
label     classes                                                          (B,)
net       velocity at t where r = t, average velocity from t to r else     (B, C, H, W)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Stage
from paradigms.parts.flow import samplers
from paradigms.parts.flow.flow import Field, Rows, conditioned, on_path, over_image
from paradigms.parts.flow.prediction import predicting
from paradigms.parts.losses.distances import median_distance
from paradigms.parts.networks.backbone import PREDICT_IMAGES, build
from paradigms.parts.optimizers.muon import muon
from paradigms.parts.options import requestable


class FlowChain:
    """The sampling chain of `self.net` along the straight path, from noise at step 0 to data at step `nfe`.

    A subclass sets `net`, and for `net_stage` also `lr`, `lr_adam`, `batch_size` and `ema_decay`.

    conditional: whether the network is conditioned on the class; then samples are of uniformly drawn classes.
    """

    def __init__(self, shape: tuple[int, int, int], n_classes: int, conditional: bool = False):
        super().__init__(shape, n_classes)
        self.conditional = conditional
        self.register_buffer("data", torch.empty(0), persistent=False)
        self.register_buffer("data_label", torch.empty(0, dtype=torch.int64), persistent=False)
        self.register_buffer("unit", torch.tensor(1.0), persistent=False)

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.data, self.data_label = x.flatten(1), label
        self.unit = median_distance(self.data)

    def network(self, backbone: str, width: int | None, prediction: str = "velocity") -> nn.Module:
        """Returns a new network as a field, conditioned on the class if the chain is.

        backbone, width: as in `networks.backbone.build`.
        prediction: what the network's output means, as in `prediction.predicting`; "code" always predicts the image.
        """
        net = build(backbone, self.shape, width, self.n_classes if self.conditional else 0)
        return predicting("image" if backbone in PREDICT_IMAGES else prediction, net)

    def net_stage(self, name: str, loss: Callable[[Batch], Tensor], **changes) -> Stage:
        """Returns a steady stage that trains all of `self.net` by Muon with the instance's options.

        changes: fields of the Stage that differ.
        """
        networks, optimizer = list(self.net.parameters()), muon(self.lr, self.lr_adam)
        settings = {"batch_size": self.batch_size, "ema_decay": self.ema_decay, "steady": True}
        return Stage(name, **{"parameters": networks, "loss": loss, "optimizer": optimizer} | settings | changes)

    @property
    def rows(self) -> Rows:
        """The training split, with its classes if the network is conditioned on them."""
        return Rows(self.data, self.condition(self.data_label))

    def condition(self, label: Tensor) -> Tensor | None:
        """Returns what the network is conditioned on for images of classes `label` (B,): the classes, or None."""
        return label if self.conditional else None

    def joint(self, x: Tensor, label: Tensor | None) -> Tensor:
        """Returns images x (B, C, H, W) flattened, beside their classes in one-hot coordinates if `label` is not None.

        The one coordinate has the size of the median distance between training images, so that a distance between
        distributions of such rows compares the joint distribution of image and class.
        """
        flat = x.flatten(1)
        return flat if label is None else torch.cat([flat, self.unit * F.one_hot(label, self.n_classes).to(flat)], 1)

    def field(self, label: Tensor | None) -> Field:
        """Returns the network's field, which samplers integrate, conditioned on `label` (B,) or on nothing (None)."""
        return conditioned(self.net, label)

    def link(self) -> nn.Module:
        return self.net

    def allows(self, nfe: int, sampler: str) -> bool:
        return samplers.allows(sampler, nfe)

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        return self.sample_labelled(n, nfe, generator, sampler)[0]

    @torch.no_grad()
    def sample_labelled(
        self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default", label: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """As in `Paradigm`: `sampler`, one of `samplers.SAMPLERS`, from standard normal noise."""
        eps, label = self.start(n, generator, label)
        integrate = samplers.SAMPLERS[self.samplers[0] if sampler == "default" else sampler]
        return integrate(self.field(label), eps, nfe).clamp(-1, 1), label

    def start(self, n: int, generator: torch.Generator, label: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Returns the start of the chain, standard normal (n, C, H, W), and its classes, (n,), None if unconditional.

        label: classes to request; None for uniformly drawn ones.
        """
        requestable(label, self.conditional)
        eps = torch.randn(n, *self.shape, generator=generator, device=self.device)
        if self.conditional and label is None:
            label = torch.randint(self.n_classes, (n,), generator=generator, device=self.device)
        return eps, label

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        eps = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return on_path(x, eps, samplers.grid(nfe, x)[step])

    def chain_step(
        self,
        state: Tensor,
        step: int,
        nfe: int,
        generator: torch.Generator,
        sampler: str,
        label: Tensor | None = None,
    ) -> Tensor:
        if sampler not in ("euler", "jump"):
            raise NotImplementedError(f"a step of sampler {sampler!r} is not one link from one state")
        if self.conditional and label is None:
            raise NotImplementedError("a step of a class-conditional chain needs a label beside the state")
        t, r = samplers.grid(nfe, state)[step : step + 2]
        slope = self.field(label)(state, t, r if sampler == "jump" else t)
        return state - over_image(t - r, state) * slope
