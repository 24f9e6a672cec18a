"""Checks before any cell starts that this machine can run a preset.

Resolves the device, loads the data sets, constructs every variant and lists the scoring networks that are not
cached, or whose floors are not.
It runs in a child process, because the command's own process does not import torch.
"""

from __future__ import annotations

import inspect
import warnings
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn

import paradigms
from benchmarks import data
from benchmarks.data import Dataset
from benchmarks.data.offline import offline
from benchmarks.data.pixels import to_float
from benchmarks.errors import BadInput, nearest, one_line, short
from benchmarks.plan.preset import Preset, Variant
from benchmarks.plan.stage_contract import check_stages
from benchmarks.score import floors
from benchmarks.score.extractors import cache
from benchmarks.split_check import check_divisible
from benchmarks.train.warm_start import adopt
from paradigms.base import Paradigm

N_ROWS = 64  # training images for the statistics that a paradigm computes before its first update


def answer(preset: Preset, **request) -> dict:
    """`prepare` in a child process, on the preset's threads and without warnings, so that an error is one line."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(preset.threads)
    with nullcontext() if request.get("build", True) else offline():
        return prepare(preset, **request)


def prepare(preset: Preset, device: str = "auto", data_dir: Path | None = None, build: bool = True) -> dict:
    """Check that this machine can run a preset.

    preset: the grid.
    device: "auto", "cpu" or "cuda".
    data_dir: folder of the data sets; None for the default.
    build: whether to list the scoring networks that are not cached, or whose floors are not, and in `answer` to
        download absent data.

    Returns {"device": "cpu" or "cuda", "data_hashes": data set -> hash, "extractors": (data set, kind) -> hash of the
    cached scoring networks, "unbuilt": if `build`, (data set, kind) of the others and of those without floors for the
    preset's `n_samples`, else empty}.

    Raises BadInput for the first thing that cannot run.
    """
    device = resolve(device)
    datasets = {name: data.load(name, data_dir) for name in preset.datasets}
    scored = set()
    for name, variant in preset.variants.items():
        where = f"preset {preset.name!r}, variant {name!r}"
        for dataset in variant.datasets or preset.datasets:
            if dataset not in datasets:
                raise BadInput(f"{where}: data set {dataset!r} is not in the preset's; allowed: {', '.join(datasets)}")
            scored |= {dataset} if "samples" in (variant.scores or preset.scores) else set()
            for changes in variant.trials or [{}]:
                trial = variant.model_copy(update={"options": variant.options | changes})
                check(trial, where, datasets[dataset], preset.nfe, preset.devices)
            if variant.init_from:
                check_start(variant, preset.variants[variant.init_from], where, datasets[dataset])
    try:
        paradigms.check_distinct(variant.paradigm for variant in preset.variants.values())
    except paradigms.UnknownParadigm as error:
        raise BadInput(f"preset {preset.name!r}: {error}") from None
    networks = [(name, kind) for name in sorted(scored) for kind in preset.extractors]
    cached = {(name, kind): cache.cached(datasets[name], kind, data_dir=data_dir) for name, kind in networks}
    built = {pair: found.hash for pair, found in cached.items() if found}
    whole = {pair for pair in built if _has_floors(cached[pair], pair[1], datasets[pair[0]], preset.n_samples)}
    unbuilt = [pair for pair in networks if pair not in whole] if build else []
    hashes = {name: dataset.hash for name, dataset in datasets.items()}
    return {"device": device, "data_hashes": hashes, "extractors": built, "unbuilt": unbuilt}


def _has_floors(network: nn.Module, kind: str, dataset: Dataset, n_samples: int | str) -> bool:
    """Whether the first cell has no floors to compute; those of Inception it has to, since they need its device."""
    n = len(dataset.train) if n_samples == "train" else n_samples
    return kind not in cache.KINDS or floors.cached(network, dataset.hash, n)


def resolve(device: str) -> str:
    """The device to compute on: "cpu" or "cuda".

    device: "auto", "cpu" or "cuda".

    Raises BadInput where there is no such device.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"--device cuda: torch {torch.__version__} finds no CUDA device here; allowed: auto, cpu")
    return device


def check(variant: Variant, where: str, dataset: Dataset, nfe: list[int], devices: int = 1) -> None:
    """Construct a variant's paradigm for a data set, to see whether its settings are possible.

    variant: one row of the preset.
    where: start of the error message.
    dataset: gives image shape and number of classes.
    nfe: the preset's numbers of function evaluations, for variants without their own.
    devices: that share every batch.

    Raises BadInput for an unknown paradigm, option or sampler, for a value that the paradigm refuses, and where a
    sampler allows none of the requested numbers of evaluations, or the devices do not divide a batch.
    """
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
        _observe(paradigm, dataset)
        check_stages(paradigm)
        for stage in paradigm.stages():
            check_divisible(stage, len(dataset.train), devices)
    except Exception as error:
        reason = one_line(error) or type(error).__name__
        raise BadInput(f"{where}: options {short(variant.options)} on {dataset.name}: {reason}") from error
    if not kind.can("sample"):
        return
    for sampler in variant.samplers or kind.samplers[:1]:
        requested = variant.nfe_of.get(sampler) or variant.nfe or nfe
        if not any(paradigm.allows(n, sampler) for n in requested):
            raise BadInput(
                f"{where}: nfe = {requested}: sampler {sampler!r} allows none of these; add one that it does"
            )


def check_start(variant: Variant, ancestor: Variant, where: str, dataset: Dataset) -> None:
    """Give a variant the weights of its untrained ancestor, to see whether they fit.

    variant, ancestor: rows of the preset; `variant.init_from` names the ancestor.
    where: start of the error message.
    dataset: as in `check`; its first images initialise the statistics of both.

    Raises BadInput where the variant cannot start from the ancestor.
    """
    built = []
    for one in (variant, ancestor):
        paradigm = paradigms.load(one.paradigm)(dataset.shape, dataset.n_classes, **one.options)
        _observe(paradigm, dataset)
        built.append(paradigm)
    try:
        adopt(built[0], built[1].state_dict(), variant.init_from)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _observe(paradigm: Paradigm, dataset: Dataset) -> None:
    images, labels = dataset.train.images[:N_ROWS], dataset.train.labels[:N_ROWS]
    with torch.no_grad():
        paradigm.observe(to_float(torch.from_numpy(images)), torch.from_numpy(labels))


def _member(given: list[str], allowed: list[str], what: str) -> None:
    for name in given:
        if name not in allowed:
            raise BadInput(
                f"{what} {short(name)} is unknown; allowed: {', '.join(allowed) or 'none'}{nearest(name, allowed)}"
            )
