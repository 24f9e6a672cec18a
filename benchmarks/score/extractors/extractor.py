"""Scoring networks: two per data set, of different kinds, built deterministically from the training split.

Features are divided by one number so that their mean variance over the training split is 1, since the kernel of KID is
meant for features of order one. No loss may use a scoring network (`score.leakage_guard`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn


class Extractor(nn.Module):
    """Feature network for metrics; always in eval mode, without gradients, computing in float32.

    name: "<data set>-<kind>".
    hash: SHA-256 of all that decides the features, hexadecimal: the weights and the scale.
    folder: of the cache that holds the network, and what is computed from it once; None where it is in none.
    facts: "scale" of the features, and the score of the network's own task on the test split ("accuracy" or
        "explained", the explained share of variance).
    """

    def __init__(self, name: str, network: nn.Sequential, head: int, facts: dict[str, float]):
        """head: number of layers of `network` after the features."""
        super().__init__()
        self.name, self.network, self.facts, self.n_trunk = name, network, facts, len(network) - head
        self.hash = weights_hash(network, facts["scale"])
        self.folder: Path | None = None
        self.requires_grad_(False)
        super().train(False)

    @property
    def accuracy(self) -> float | None:
        """Accuracy on the test split; None for a network that is no classifier."""
        return self.facts.get("accuracy")

    def train(self, mode: bool = True) -> Extractor:
        """Stays in eval mode, also when a module that contains the extractor switches modes."""
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
    """An extractor that also classifies."""

    def logits(self, images: Tensor) -> Tensor:
        """float64 class scores (B, n_classes) of uint8 images (B, C, H, W)."""
        return self.logits_of(self(images))

    def logits_of(self, features: Tensor) -> Tensor:
        """float64 class scores (B, n_classes) from the extractor's own features (B, D)."""
        return self._run(self.network[self.n_trunk :], (features * self.facts["scale"]).float()).double()


def weights_hash(network: nn.Module, scale: float | None = None) -> str:
    """SHA-256 over names and bytes of the state dict and, where there is one, the scale of the features."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    if scale is not None:
        digest.update(f"scale {float(scale).hex()}".encode())
    return digest.hexdigest()
