"""Before any cell starts, in a process of its own, since torch stays out of the one that asks: whether they can.

Resolves the device, loads the data sets, constructs every variant and says which scoring networks are to be built.
"""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path

import torch

import paradigms
from benchmarks import data
from benchmarks.data import Dataset
from benchmarks.data.pixels import to_float
from benchmarks.errors import BadInput, nearest
from benchmarks.plan.preset import Preset, Variant
from benchmarks.score.extractors import cache
from benchmarks.train.warm_start import adopt

N_ROWS = 64  # training images that a variant sees before it is asked whether it can start from another


def answer(preset: Preset, **request) -> dict:
    """`prepare`, on as many threads as the preset's cells have and without warnings: its message is to be one line."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(preset.threads)
    return prepare(preset, **request)


def prepare(preset: Preset, device: str = "auto", data_dir: Path | None = None, build: bool = True) -> dict:
    """Check a preset against this machine; returns {"device", "data_hashes", "extractors", "unbuilt"}.

    data_hashes: data set -> hash. extractors: (data set, kind) -> hash of the scoring networks that are cached.
    unbuilt: (data set, kind) of the others, where `build` asks for them.
    Raises BadInput for the first thing that cannot run.
    """
    device = resolve(device)
    datasets = {name: data.load(name, data_dir) for name in preset.datasets}
    scored = set()
    for name, variant in preset.variants.items():
        where = f"preset {preset.name!r}, variant {name!r}"
        for dataset in variant.datasets or preset.datasets:
            if dataset not in datasets:
                raise BadInput(f"{where}: data set {dataset!r} is none of the preset's; allowed: {', '.join(datasets)}")
            scored |= {dataset} if "samples" in (variant.scores or preset.scores) else set()
            for changes in variant.trials or [{}]:
                asked = variant.model_copy(update={"options": variant.options | changes})
                check(asked, where, datasets[dataset], preset.nfe)
            if variant.init_from:
                check_start(variant, preset.variants[variant.init_from], where, datasets[dataset])
    try:
        paradigms.check_distinct(variant.paradigm for variant in preset.variants.values())
    except paradigms.UnknownParadigm as error:
        raise BadInput(f"preset {preset.name!r}: {error}") from None
    networks = [(name, kind) for name in sorted(scored) for kind in preset.extractors]
    cached = {pair: cache.hash_of(datasets[pair[0]], pair[1], data_dir=data_dir) for pair in networks}
    built = {pair: found for pair, found in cached.items() if found}
    unbuilt = [pair for pair in networks if pair not in built] if build else []
    hashes = {name: dataset.hash for name, dataset in datasets.items()}
    return {"device": device, "data_hashes": hashes, "extractors": built, "unbuilt": unbuilt}


def resolve(device: str) -> str:
    """ "cpu" or "cuda" for "auto", "cpu" or "cuda". Raises BadInput where there is no such device."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"--device cuda: torch {torch.__version__} finds no CUDA device here; allowed: auto, cpu")
    return device


def check(variant: Variant, where: str, dataset: Dataset, nfe: list[int]) -> None:
    """Construct a variant for a data set. Raises BadInput for an unknown paradigm, option or sampler, or a value that
    the paradigm refuses, or where none of the asked evaluation counts is possible."""
    try:
        kind = paradigms.load(variant.paradigm)
    except paradigms.UnknownParadigm as error:
        raise BadInput(f"{where}: {error}") from error
    parameters = inspect.signature(kind.__init__).parameters.values()
    _member(variant.options, [p.name for p in parameters if p.kind is p.KEYWORD_ONLY], f"{where}: option")
    _member(variant.samplers, kind.samplers, f"{where}: sampler")
    _member(list(variant.nfe_of), variant.samplers or kind.samplers[:1], f"{where}: nfe_of: sampler")
    try:
        paradigm = kind(dataset.shape, dataset.n_classes, **variant.options)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{where}: options {variant.options} on {dataset.name}: {reason}") from error
    if not kind.can("sample"):
        return
    for sampler in variant.samplers or kind.samplers[:1]:
        asked = variant.nfe_of.get(sampler) or variant.nfe or nfe
        if not any(paradigm.allows(n, sampler) for n in asked):
            raise BadInput(f"{where}: nfe = {asked}: sampler {sampler!r} can spend none of these")


def check_start(variant: Variant, ancestor: Variant, where: str, dataset: Dataset) -> None:
    """Let a variant start from its untrained ancestor. Raises BadInput where the one cannot go on from the other."""
    built = []
    for one in (variant, ancestor):
        paradigm = paradigms.load(one.paradigm)(dataset.shape, dataset.n_classes, **one.options)
        images, labels = dataset.train.images[:N_ROWS], dataset.train.labels[:N_ROWS]
        paradigm.observe(to_float(torch.from_numpy(images)), torch.from_numpy(labels))
        built.append(paradigm)
    try:
        adopt(built[0], built[1].state_dict(), variant.init_from)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _member(given: list[str], allowed: list[str], what: str) -> None:
    for name in given:
        if name not in allowed:
            raise BadInput(
                f"{what} {name!r} is unknown; allowed: {', '.join(allowed) or 'none'}{nearest(name, allowed)}"
            )
