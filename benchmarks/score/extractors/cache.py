"""Loads scoring networks from the per-user cache; a missing one is built from the training split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from benchmarks.data import Dataset
from benchmarks.errors import BadInput
from benchmarks.score.extractors import autoencoder, classifier, extractor, inception, recipe
from benchmarks.score.extractors.extractor import Classifier, Extractor
from benchmarks.store import atomic

SEED = 0
RECIPES = {"cnn": classifier, "autoencoder": autoencoder}
KINDS = tuple(RECIPES)


def load_all(
    dataset: Dataset, cache_dir: Path | None = None, kinds: Sequence[str] = KINDS, data_dir: Path | None = None
) -> tuple[nn.Module, ...]:
    """The extractors of `dataset` of these kinds, in their order; "inception" is allowed too, which is not built.

    Raises BadInput if the cache cannot be written, or where Inception's weights are absent.
    """
    return tuple(
        _inception(data_dir, cache_dir) if kind == "inception" else load(dataset, cache_dir, kind) for kind in kinds
    )


def load(dataset: Dataset, cache_dir: Path | None = None, kind: str = "cnn") -> Extractor:
    """The extractor of a kind, from the cache or built into it. Raises BadInput if the cache cannot be written."""
    path = _path(dataset, kind, cache_dir)
    if (found := _read(path, dataset, kind)) is not None:
        return found
    made = build(dataset, kind)
    try:
        with atomic.replacing(path) as fresh:
            save_file(made.network.state_dict(), fresh, {"facts": json.dumps(made.facts), "hash": made.hash})
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(
            f"cache of scoring networks {path.parent}: cannot be written ({reason}); make it writable, or name "
            "another one with the environment variable XDG_CACHE_HOME"
        ) from None
    made.folder = path.parent
    return made


def hash_of(dataset: Dataset, kind: str, cache_dir: Path | None = None, data_dir: Path | None = None) -> str | None:
    """The hash of the scoring network of a kind; None where it is not built yet.

    Raises BadInput for Inception without its weights, which nobody can build.
    """
    found = cached(dataset, kind, cache_dir, data_dir)
    return found and found.hash


def cached(
    dataset: Dataset, kind: str, cache_dir: Path | None = None, data_dir: Path | None = None
) -> nn.Module | None:
    """The scoring network of a kind; None where it is not built yet. Raises as `hash_of`."""
    if kind == "inception":
        return _inception(data_dir, cache_dir)
    return _read(_path(dataset, kind, cache_dir), dataset, kind)


def build(dataset: Dataset, kind: str = "cnn") -> Extractor:
    """Train the extractor; bit-equal on one computer, since it uses one thread and a fixed seed."""
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


def _extractor(dataset: Dataset, kind: str, network: nn.Sequential, facts: dict[str, float]) -> Extractor:
    made = Classifier if kind == "cnn" else Extractor
    return made(f"{dataset.name}-{kind}", network, RECIPES[kind].HEAD, facts)


def _inception(data_dir: Path | None, cache_dir: Path | None) -> inception.Inception:
    network = inception.load(data_dir)
    network.folder = _cache(cache_dir)
    return network


def _cache(cache_dir: Path | None) -> Path:
    if cache_dir is not None:
        return Path(cache_dir)
    import pooch

    return Path(pooch.os_cache("alexnet-moment")) / "extractors"


def _path(dataset: Dataset, kind: str, cache_dir: Path | None = None) -> Path:
    return _cache(cache_dir) / f"{dataset.name}-{kind}-{_key(dataset, kind)[:16]}.safetensors"


def _key(dataset: Dataset, kind: str) -> str:
    modules = (recipe, RECIPES[kind], extractor)
    code = b"".join(Path(file).read_bytes() for file in (*(module.__file__ for module in modules), __file__))
    return hashlib.sha256(code + dataset.hash.encode()).hexdigest()


def _read(path: Path, dataset: Dataset, kind: str) -> Extractor | None:
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["facts"])
            network = RECIPES[kind].untrained(dataset)
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
            found = _extractor(dataset, kind, network, facts)
            if found.hash != file.metadata()["hash"]:
                return None  # weights or scale are not those that were built
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError, ValueError):
        return None  # absent or damaged: it is rebuilt
    found.folder = path.parent
    return found
