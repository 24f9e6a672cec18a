"""Measures one variant of a preset for the gate: a trace of its training and sampling, its scores, and its counters.

It runs in a process of its own, so that a variant that fails, however it fails, is one finding and not the end of all.
"""

from __future__ import annotations

import gc
import hashlib
import json
import math
import tempfile
import traceback
import warnings
from pathlib import Path

import torch
from torch import Tensor

from benchmarks import data
from benchmarks.budget import plan_stages
from benchmarks.errors import BadInput
from benchmarks.gate import broken, executed, trace
from benchmarks.job import Job
from benchmarks.plan import grid, presets, selection
from benchmarks.plan.cell import Cell
from benchmarks.score.scoring import Scoring
from benchmarks.store import records
from benchmarks.train.warm_start import adopt
from benchmarks.weights import save
from benchmarks.worker import open_job
from paradigms.base import Paradigm, derive_seed

N_SAMPLES = 64
N_COUNTED = 8  # samples whose operations are counted
LARGEST_NFE = 8  # more evaluations repeat what these do
SCORES = ("recognition", "probe", "samples", "reconstruction", "likelihood")
SIGNIFICANT = 6  # digits of a stored score; a hash beside them has all


def answer(preset: str, variant: str, dataset: str, paradigm: list[str], data_dir: Path | None) -> dict:
    """{"identity", "counters"} of a variant, or {"failed": one line} where it cannot be measured.

    preset: name or path.
    variant: of the preset with the added paradigm files.
    dataset: of the preset.
    paradigm: values of the option --paradigm.
    data_dir: folder of the data sets; None for the default.
    """
    warnings.simplefilter("ignore")
    gc.freeze()  # what is imported is never garbage, and searching it before every count would take most of the time
    try:
        with tempfile.TemporaryDirectory() as folder:
            cells = cells_of(preset, variant, dataset, paradigm, data_dir)
            return Measurement(cells, Path(folder), data_dir).whole()
    except Exception as error:
        traceback.print_exc()
        said = " ".join(str(error).split())
        return {"failed": said if isinstance(error, BadInput) else f"{type(error).__name__}: {said}"}


def cells_of(preset: str, variant: str, dataset: str, paradigm: list[str], data_dir: Path | None) -> list[Cell]:
    """The first cell of a variant, after the cells whose weights it starts from."""
    whole = selection.selected(presets.load(preset), paradigm)
    one = selection.selected(whole, [variant]).model_copy(update={"seeds": 1, "datasets": [dataset]})
    machine = grid.Machine("cpu", {dataset: data.load(dataset, data_dir).hash}, {})
    found: list[Cell] = []
    for cell in grid.cells(one, machine):
        found.append(cell)
        if cell.variant == variant and cell.kind == "quality":
            return found
    raise BadInput(f"preset {preset!r}: variant {variant!r} has no cell on {dataset}")


class Measurement:
    """One variant.

    cells: those that it starts from, and its own last.
    folder: empty, for files of weights.
    data_dir: folder of the data sets; None for the default.
    """

    def __init__(self, cells: list[Cell], folder: Path, data_dir: Path | None):
        self.ancestors, self.cell, self.folder = cells[:-1], cells[-1], folder
        self.data_dir = data_dir
        few = {"n_samples": N_SAMPLES, "sample_batch": N_SAMPLES, "curve_nfe": [1]}
        few["scores"] = [score for score in self.cell.scores if score in SCORES]
        self.job = self._open(self.cell.model_copy(update=few))
        self.pairs = self._pairs(self.job.build())

    def whole(self) -> dict:
        """Identity and counters."""
        paradigm = self._started()
        identity = {"settings": self._settings(), "data": self._data(), "plan": self._plan(paradigm)}
        identity["start"] = trace.tensors(paradigm)
        identity["stages"], reports = trace.train(self.job, paradigm)
        paradigm.requires_grad_(False)
        identity["samples"] = {_named(pair): self._samples(paradigm, *pair) for pair in self.pairs}
        quality = Scoring(self.job, paradigm).full_scores()
        identity["scores"] = scores(quality)
        identity["broken"] = broken.said(self.job, paradigm)
        return {"identity": identity, "counters": self._counters(paradigm, quality, reports)}

    def _open(self, cell: Cell) -> Job:
        return open_job(cell, self.folder, {"data_dir": self.data_dir})

    def _started(self) -> Paradigm:
        """The paradigm before its first update, with the weights that it starts from."""
        trained: dict[str, Paradigm] = {}
        for cell in self.ancestors:
            job = self._open(cell.model_copy(update={"scores": ["recognition"]}))
            trained[cell.trained_stem] = start = job.build()
            if cell.ancestor:
                adopt(start, trained[cell.ancestor].state_dict(), cell.ancestor)
            trace.train(job, start)
        paradigm = self.job.build()
        if self.cell.ancestor:
            adopt(paradigm, trained[self.cell.ancestor].state_dict(), self.cell.ancestor)
        return paradigm

    def _pairs(self, paradigm: Paradigm) -> list[tuple[str, int]]:
        """(sampler, NFE): the smallest and the largest cheap number of evaluations of every sampler."""
        found, nfe_of = [], {}
        for sampler in self.job.samplers(paradigm):
            allowed = sorted(nfe for nfe in self.cell.nfes(sampler) if paradigm.allows(nfe, sampler))
            cheap = [nfe for nfe in allowed if nfe <= LARGEST_NFE] or allowed[:1]
            nfe_of[sampler] = sorted({cheap[0], cheap[-1]})
            found += [(sampler, nfe) for nfe in nfe_of[sampler]]
        self.job.cell = self.job.cell.model_copy(update={"nfe_of": nfe_of})
        return found

    def _settings(self) -> dict:
        names = ("paradigm", "options", "changes", "compute", "threads", "budget_flops", "seed", "samplers")
        found = self.cell.model_dump(include=set(names))
        return found | {"paradigm": Path(self.cell.paradigm).stem}

    def _data(self) -> dict[str, str]:
        """Hashes of what training sees and of what scoring compares with."""
        found = {"training images": self.job.x, "training labels": self.job.label}
        for name in ("validation", "test"):
            split = getattr(self.job.dataset, name)
            found |= {
                f"{name} images": torch.from_numpy(split.images),
                f"{name} labels": torch.from_numpy(split.labels),
            }
        return {name: trace.digest(values) for name, values in found.items()}

    def _plan(self, paradigm: Paradigm) -> dict[str, dict]:
        plans = plan_stages(paradigm, self.job.x, self.job.label, self.cell.budget_flops)
        return {plan.name: {"updates": plan.updates, "batch_size": plan.batch_size} for plan in plans}

    def _draw(self, paradigm: Paradigm, sampler: str, nfe: int, n: int = N_SAMPLES) -> Tensor:
        generator = torch.Generator().manual_seed(derive_seed(self.cell.seed, "samples"))
        with torch.no_grad():
            return paradigm.sample(n, nfe, generator, sampler)

    def _samples(self, paradigm: Paradigm, sampler: str, nfe: int) -> dict[str, object]:
        x = self._draw(paradigm, sampler, nfe)
        return {"images": trace.digest(x), "mean": _rounded(float(x.mean())), "sd": _rounded(float(x.std()))}

    def _counters(self, trained: Paradigm, quality: dict, reports: list[dict]) -> dict[str, int | None]:
        save(trained, self.folder / "weights.safetensors")
        record = records.opening(self.job.cell, "done") | {"quality": quality, "training": reports}
        found = {
            "parameters": sum(parameter.numel() for parameter in trained.parameters()),
            "bytes of saved weights": (self.folder / "weights.safetensors").stat().st_size,
            "bytes of a record": len(json.dumps(_shape(record))),
        }
        paradigm = self._started()
        charged = plan_stages(paradigm, self.job.x, self.job.label, self.cell.budget_flops)
        found |= {f"update of stage {plan.name!r}: charged FLOPs": plan.flops_per_update for plan in charged}
        for name, counts in executed.of_updates(self.job, paradigm).items():
            found |= {f"update of stage {name!r}: {quantity}": count for quantity, count in counts.items()}
        evaluations = {(entry["sampler"], entry["nfe_asked"]): entry["nfe"] for entry in quality["samples"]}
        for pair in self.pairs:
            found[f"{N_COUNTED} samples, {_named(pair)}: NFE"] = evaluations[pair]
            counts = executed.of_call(lambda pair=pair: self._draw(trained, *pair, N_COUNTED))
            found |= {f"{N_COUNTED} samples, {_named(pair)}: {quantity}": count for quantity, count in counts.items()}
        if trained.can("logits"):
            with torch.no_grad():
                counts = executed.of_call(lambda: trained.logits(self.job.x[:N_SAMPLES]))
            found |= {f"logits of {N_SAMPLES} images: {quantity}": count for quantity, count in counts.items()}
        return found


def _named(pair: tuple[str, int]) -> str:
    return f"{pair[0]} at {pair[1]} NFE"


def scores(quality: dict) -> dict[str, object]:
    """Path -> score, rounded, of a record's `quality`; under "exact" a hash of all digits. Times are left out."""
    flat = dict(sorted(_leaves(quality, "")))
    exact = hashlib.sha256(json.dumps(flat, default=str).encode()).hexdigest()[: trace.DIGITS]
    return {name: _rounded(value) for name, value in flat.items()} | {"exact": exact}


def _leaves(value: object, path: str):
    if isinstance(value, dict):
        parts = [(name, item) for name, item in value.items() if not name.endswith("seconds")]
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        parts = [(_entry_name(item, index), item) for index, item in enumerate(value)]
    else:
        yield path, value
        return
    for name, item in parts:
        yield from _leaves(item, f"{path} / {name}" if path else str(name))


def _entry_name(item: object, index: int) -> str:
    if isinstance(item, dict) and "nfe_asked" in item:
        return _named((item["sampler"], item["nfe_asked"]))
    return str(index)


def _rounded(value: object) -> object:
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.{SIGNIFICANT}g}")
    long = (isinstance(value, str) and len(value) > 200) or (isinstance(value, list) and len(value) > 8)
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[: trace.DIGITS] if long else records.finite(value)


def _shape(value: object) -> object:
    """The value with every number as 0, and without what depends on numbers or on the place of a file."""
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items() if name not in ("paradigm", "marks")}
    if isinstance(value, list | tuple):
        return [_shape(item) for item in value]
    return 0 if value is None or isinstance(value, int | float) else value
