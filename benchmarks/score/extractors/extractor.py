"""The networks that score: two a data set, of different kind, built deterministically from the training split, cached.

Features are divided by one number so that their mean variance over the training split is 1 (the kernel of KID is made
for features of order one). No loss ever sees a network that scores: `score.leakage_guard` refuses it by hash.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn


class Extractor(nn.Module):
    """Features for Fréchet and kernel distances; always in eval mode, without gradients, in float32 inside.

    name: "<data set>-<kind>". hash: SHA-256 of the weights. facts: scale of the features, and how well the network does
    its own task on the test split ("accuracy" or "explained").
    """

    def __init__(self, name: str, network: nn.Sequential, head: int, facts: dict[str, float]):
        """head: number of layers of `network` after the features."""
        super().__init__()
        self.name, self.network, self.facts, self.n_trunk = name, network, facts, len(network) - head
        self.hash = weights_hash(network)
        self.requires_grad_(False)
        super().train(False)

    @property
    def accuracy(self) -> float | None:
        """Accuracy on the test split; None for a network that knows no classes."""
        return self.facts.get("accuracy")

    def train(self, mode: bool = True) -> Extractor:
        """Stays in eval mode: a metric is a submodule, and whoever holds it may switch modes."""
        return self

    def forward(self, images: Tensor) -> Tensor:
        """float64 features (B, D) of uint8 images (B, C, H, W)."""
        if images.dtype != torch.uint8:
            raise TypeError(f"the extractor takes uint8 images, not {images.dtype}")
        return self._run(self.network[: self.n_trunk], images).double() / self.facts["scale"]

    @torch.no_grad()
    def _run(self, layers: nn.Sequential, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False), torch.backends.cudnn.flags(allow_tf32=False):
            return layers(x)


class Classifier(Extractor):
    """The extractor that also knows classes."""

    def logits(self, images: Tensor) -> Tensor:
        """float64 class scores (B, n_classes) of uint8 images (B, C, H, W)."""
        return self.logits_of(self(images))

    def logits_of(self, features: Tensor) -> Tensor:
        """float64 class scores (B, n_classes) of its features (B, D), where they are at hand."""
        return self._run(self.network[self.n_trunk :], (features * self.facts["scale"]).float()).double()


def weights_hash(network: nn.Module) -> str:
    """SHA-256 over names and bytes of the state dict."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
