"""What paradigms with a field `net(x_t, t, r, label)` do alike: they keep the training split, draw by a sampler, and
instruments see their chain."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Stage
from paradigms.parts.flow import samplers
from paradigms.parts.flow.flow import Field, Rows, on_path, over_image, told
from paradigms.parts.flow.prediction import predicting
from paradigms.parts.losses.distances import median_distance
from paradigms.parts.networks.backbone import build
from paradigms.parts.optimizers.muon import muon


class FlowChain:
    """The chain of `self.net` on the straight path from noise at step 0 to data at step `nfe`.

    conditional: whether the network is told the class. Then samples are of classes drawn evenly.
    """

    grid_power = 1.0  # of the sampler's times, as in `samplers.grid`

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
        """The field of the shared network of that name and width, which predicts `prediction` (see `predicting`) and is
        told the class if the chain is conditional."""
        net = build(backbone, self.shape, width, self.n_classes if self.conditional else 0)
        return predicting(prediction, net)

    def net_stage(self, name: str, loss: Callable[[Batch], Tensor], **changes) -> Stage:
        """A steady stage that moves all of `self.net` by Muon, at the instance's rates, batch size and averaging."""
        optimizer = muon(self.lr, self.lr_adam)
        settings = {"batch_size": self.batch_size, "optimizer": optimizer, "ema_decay": self.ema_decay, "steady": True}
        return Stage(name, list(self.net.parameters()), loss, **settings | changes)

    @property
    def rows(self) -> Rows:
        """The training split, with its classes if the network is told them."""
        return Rows(self.data, self.told(self.data_label))

    def told(self, label: Tensor) -> Tensor | None:
        """What the network is told of rows with classes `label` (B,)."""
        return label if self.conditional else None

    def joint(self, x: Tensor, label: Tensor | None) -> Tensor:
        """Images x (B, C, H, W) flattened, with what is told of them as coordinates beside: 0, but at their class the
        median distance between images. A distance between laws of such rows is one of image and class together."""
        flat = x.flatten(1)
        return flat if label is None else torch.cat([flat, self.unit * F.one_hot(label, self.n_classes).to(flat)], 1)

    def field(self, label: Tensor | None) -> Field:
        """What samplers follow: the network's field, told `label`."""
        return told(self.net, label)

    def link(self) -> nn.Module:
        return self.net

    def allows(self, nfe: int, sampler: str) -> bool:
        return samplers.allows(sampler, nfe)

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        return self.sample_labelled(n, nfe, generator, sampler)[0]

    @torch.no_grad()
    def sample_labelled(
        self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default"
    ) -> tuple[Tensor, Tensor | None]:
        """`nfe` steps of `sampler`, one of `samplers.SAMPLERS`, from standard normal noise."""
        eps = torch.randn(n, *self.shape, generator=generator, device=self.device)
        label = None
        if self.conditional:
            label = torch.randint(self.n_classes, (n,), generator=generator, device=self.device)
        step = samplers.SAMPLERS[self.samplers[0] if sampler == "default" else sampler]
        return step(self.field(label), eps, nfe, self.grid_power).clamp(-1, 1), label

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        eps = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return on_path(x, eps, samplers.grid(nfe, x, self.grid_power)[step])

    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        if sampler not in ("euler", "jump"):
            raise NotImplementedError(f"a step of sampler {sampler!r} is not one link from one state")
        if self.conditional:
            raise NotImplementedError("a step of a class-conditional chain needs a label beside the state")
        t, r = samplers.grid(nfe, state, self.grid_power)[step : step + 2]
        slope = self.field(None)(state, t, r if sampler == "jump" else t)
        return state - over_image(t - r, state) * slope
