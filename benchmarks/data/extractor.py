"""The networks that score: two a data set, of different kind, built deterministically from the training split, cached.

Features are divided by one number so that their mean variance over the training split is 1 (the kernel of KID is made
for features of order one). No loss ever sees a network that scores: `benchmarks.sharing` refuses it by hash.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.data import Dataset, autoencoder, classifier, recipe
from benchmarks.errors import BadInput

SEED = 0
RECIPES = {"cnn": classifier, "autoencoder": autoencoder}
KINDS = tuple(RECIPES)


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


def load_all(
    dataset: Dataset, cache_dir: Path | None = None, kinds: Sequence[str] = KINDS, data_dir: Path | None = None
) -> tuple[nn.Module, ...]:
    """The extractors of `dataset` of these kinds, in their order; "inception" is allowed too, which is not built.

    Raises BadInput if the cache cannot be written, or where Inception's weights are absent.
    """
    from benchmarks.data import inception  # which imports from here

    return tuple(inception.load(data_dir) if kind == "inception" else load(dataset, cache_dir, kind) for kind in kinds)


def load(dataset: Dataset, cache_dir: Path | None = None, kind: str = "cnn") -> Extractor:
    """The extractor of a kind, from the cache or built into it. Raises BadInput if the cache cannot be written."""
    path = _path(dataset, kind, cache_dir)
    if (found := _read(path, dataset, kind)) is not None:
        return found
    extractor = build(dataset, kind)
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(extractor.network.state_dict(), partial, {"facts": json.dumps(extractor.facts)})
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"extractor cache {path.parent}: cannot be written ({error}); give a writable folder") from None
    return extractor


def ready(dataset: Dataset, kind: str, cache_dir: Path | None = None, data_dir: Path | None = None) -> bool:
    """Whether nothing is to be built. Raises BadInput for Inception without its weights, which nobody can build."""
    if kind == "inception":
        load_all(dataset, cache_dir, [kind], data_dir)
        return True
    return _read(_path(dataset, kind, cache_dir), dataset, kind) is not None


def build(dataset: Dataset, kind: str = "cnn") -> Extractor:
    """Train the extractor; bit-equal on one machine, since it uses one thread and its own seed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            network = RECIPES[kind].untrained(dataset)
            RECIPES[kind].train(network, dataset)
        trunk = network[: -RECIPES[kind].HEAD]
        with torch.no_grad():
            features = torch.cat([trunk(x) for x in torch.from_numpy(dataset.train.images).split(500)])
        facts = {"scale": float(features.double().var(0).mean().sqrt()), **RECIPES[kind].facts(network, dataset)}
    finally:
        torch.set_num_threads(threads)
    return _extractor(dataset, kind, network, facts)


def weights_hash(network: nn.Module) -> str:
    """SHA-256 over names and bytes of the state dict."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _extractor(dataset: Dataset, kind: str, network: nn.Sequential, facts: dict[str, float]) -> Extractor:
    made = Classifier if kind == "cnn" else Extractor
    return made(f"{dataset.name}-{kind}", network, RECIPES[kind].HEAD, facts)


def _cache(cache_dir: Path | None) -> Path:
    if cache_dir is not None:
        return Path(cache_dir)
    import pooch

    return Path(pooch.os_cache("alexnet-moment")) / "extractors"


def _path(dataset: Dataset, kind: str, cache_dir: Path | None = None) -> Path:
    return _cache(cache_dir) / f"{dataset.name}-{kind}-{_key(dataset, kind)[:16]}.safetensors"


def _key(dataset: Dataset, kind: str) -> str:
    code = b"".join(Path(module.__file__).read_bytes() for module in (recipe, RECIPES[kind]))
    return hashlib.sha256(Path(__file__).read_bytes() + code + dataset.hash.encode()).hexdigest()


def _read(path: Path, dataset: Dataset, kind: str) -> Extractor | None:
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["facts"])
            network = RECIPES[kind].untrained(dataset)
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError, ValueError):
        return None  # absent or damaged: it is rebuilt
    return _extractor(dataset, kind, network, facts)
