"""The third view of generated images: a Fréchet distance in features of a network that was never trained.

The network is a scattering-like cascade with random filters: convolution, modulus, average pooling, and a random
projection at the end (Bruna & Mallat, "Invariant scattering convolution networks", 2013; random filters with pooling:
Saxe et al., "On random weights and unsupervised feature learning", ICML 2011). It is the same for every data set of one
shape and on every computer, knows no label and no image, and so shares no training with the two extractors. Networks
with random weights order generators much as trained ones do: Naeem et al. 2020 (arXiv 2002.09797) for images far from
ImageNet, Lee, Kim & Lee 2022 (arXiv 2208.09218) in general.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.columns import Column
from benchmarks.score.extractors.extractor import weights_hash
from benchmarks.score.floors import Floor, floors
from benchmarks.score.metrics.frechet import frechet_distance
from benchmarks.score.scored_samples import RealFeatures, RealImages, ScoredSamples

SEED = 0
# Channels of every convolution. With half as many the networks of three seeds differ more: blur of the digits has 30,
# 88 and 58 floors, and 60, 77 and 54 with these. An image of 28x28 pixels takes 0.25 ms of a core.
WIDTH = 32
SMALLEST = 4  # side from which on nothing is pooled
# Few enough that 360 test images determine their covariance; with 64 the floor is three times as high.
N_FEATURES = 32

COLUMNS = [
    Column(
        "fid3",
        unit="squared units of the random features",
        direction="lower",
        meaning="Fréchet distance as `fid`, in 32 features of a convolutional network with fixed random weights that "
        "was never trained: the third view of the samples.",
        formula="as fid; features: random convolution, modulus and average pooling, repeated, then a random projection",
        source="random networks as extractors: Naeem et al. 2020, Lee, Kim and Lee 2022; FID: Heusel et al. 2017, by "
        "torchmetrics",
        misleads="Its size cannot be compared with that of `fid`; the ratios can. It sees blur, contrast, position and "
        "texture well and a missing class hardly: without one digit of ten the ratio is 2, by the classifier 10.",
    ),
    Column(
        "fid3_ratio",
        unit="none; 1 is as close to the test split as a draw of real training images",
        direction="lower",
        meaning="FID over its floor, by random features.",
        formula="fid3 / fid3_floor, seed by seed",
        source="defined here",
        misleads="As `fid_ratio`. Only where this ratio and those by both extractors agree on an order is it a fact "
        "about the images rather than about one network.",
        head="ratio 3",
    ),
    Column(
        "fid3_floor",
        unit="as fid3",
        direction=None,
        meaning="Floor of `fid3`, as `fid_floor` is that of `fid`, with its standard error `fid3_floor_se`.",
        formula="mean of FID(drawn training images, test split), by random features",
        source="defined here",
        misleads="As `fid_floor`.",
        also=("fid3_floor_se",),
        code="benchmarks/score/floors.py",
    ),
]


class RandomFeatures(nn.Module):
    """Features of an untrained network, with the interface of `Extractor`; equal on all computers but for rounding.

    shape: (C, H, W) of the images.
    folder: of the cache that keeps the floors; None to keep nothing.
    """

    name = "random"

    def __init__(self, shape: tuple[int, int, int], folder: Path | None = None):
        super().__init__()
        self.folder = folder
        random = np.random.RandomState(SEED)
        channels, side = shape[0], max(shape[1:])
        self.n_layers = 1
        while True:
            self.register_buffer(f"filter_{self.n_layers}", _normal(random, WIDTH, channels, 3, 3))
            channels = WIDTH
            if side <= SMALLEST:
                break
            side, self.n_layers = math.ceil(side / 2), self.n_layers + 1
        n_entries = self._cascade(torch.zeros(1, *shape)).shape[1]
        self.register_buffer("projection", _normal(random, N_FEATURES, n_entries))
        # The weights do not say how they are used, and a floor must not outlive a change of that.
        code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
        self.hash = hashlib.sha256((weights_hash(self) + code).encode()).hexdigest()

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """float64 features (B, N_FEATURES) of uint8 images (B, C, H, W)."""
        with torch.autocast(images.device.type, enabled=False), torch.backends.cudnn.flags(allow_tf32=False):
            return (self._cascade(images.float() / 127.5 - 1) @ self.projection.T).double()

    def _cascade(self, x: Tensor) -> Tensor:
        """Entries (B, n) of the last layer for images x (B, C, H, W)."""
        for layer in range(1, self.n_layers + 1):
            if layer > 1:
                x = F.avg_pool2d(x, 2, ceil_mode=True)
            x = F.conv2d(x, getattr(self, f"filter_{layer}"), padding=1).abs()
        return x.flatten(1)


def _normal(random: np.random.RandomState, *shape: int) -> Tensor:
    """Normal weights whose output has the size of their input on average; NumPy's stream is the same everywhere."""
    return torch.from_numpy(random.standard_normal(shape) / math.sqrt(math.prod(shape[1:]))).float()


def compute(samples: ScoredSamples) -> dict[str, float]:
    """The distance, its ratio, and its floor with the standard error."""
    features, floor = samples.real.once(reference)
    distance = frechet_distance(features.features(samples.images), features.reference)
    found = {"fid3": distance, "fid3_ratio": distance / floor.mean}
    return found | {"fid3_floor": floor.mean, "fid3_floor_se": floor.se}


def reference(real: RealImages) -> tuple[RealFeatures, Floor]:
    """Random features of the real images, and the floor against the test split."""
    folder = getattr(real.by_extractor[0].extractor, "folder", None)
    network = RandomFeatures(real.dataset.shape, folder).eval().to(real.device)
    features = RealFeatures(network, real.dataset, real.device)
    return features, floors(features, real.n_samples)["test"]
