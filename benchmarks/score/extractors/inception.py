"""Inception-v3 features as in papers, where torch-fidelity is installed and its weights are in the data directory.

They are out of domain for small grey images, and every image is resized to 299x299. Use them for comparison with
published numbers only.
"""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.data import directory
from benchmarks.errors import BadInput
from benchmarks.score.extractors.extractor import weights_hash

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


class Inception(nn.Module):
    """Inception-v3 with the interface of `Extractor`: float64 features (B, 2048) of uint8 images (B, 1 or 3, H, W)."""

    name, num_features = "inception", 2048

    def __init__(self, network: type[nn.Module], weights: Path):
        super().__init__()
        # The package would run code pickled in the file; torch then reads tensors only.
        os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
        self.network = network("inception-v3-compat", [str(self.num_features)], str(weights))
        self.hash = weights_hash(self.network)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """float64 features (B, 2048); a grey image is repeated in three channels."""
        with torch.autocast(images.device.type, enabled=False), torch.backends.cudnn.flags(allow_tf32=False):
            return self.network(images.expand(-1, 3, -1, -1)).double()


def load(data_dir: Path | None = None) -> Inception:
    """Inception from `<data_dir>/inception/`.

    Raises BadInput where the package or the weights are absent, or the file is not the published one.
    """
    if find_spec("torch_fidelity") is None:
        raise BadInput("extractor inception: the package torch-fidelity is absent; pip install torch-fidelity")
    if not (path := directory(data_dir) / "inception" / WEIGHTS).is_file():
        raise BadInput(f"extractor inception: {path} is absent; put the file of that name from torch-fidelity there")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise BadInput(
            f"extractor inception: {path} is not the published file (SHA-256 {found}, published is {SHA256})"
        )
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3
    except (ImportError, RuntimeError) as error:  # torchvision of another build than torch
        raise BadInput(f"extractor inception: torch-fidelity cannot be imported ({error})") from None
    return Inception(NoTrainInceptionV3, path)
