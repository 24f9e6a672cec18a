"""Lists the cells of a preset: variants x data sets x repetitions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import paradigms
from benchmarks.errors import BadInput
from benchmarks.plan import fingerprint
from benchmarks.plan.cell import Cell
from benchmarks.plan.preset import Budget, Preset, Variant

MAX_CELLS = 50_000


@dataclass(frozen=True)
class Machine:
    """What preflight has found on this machine.

    device: "cpu" or "cuda".
    data_hashes: data set -> SHA-256 (hex) of its arrays.
    extractors: (data set, kind) -> hash of the scoring network; absent where it is not trained yet.
    """

    device: str
    data_hashes: Mapping[str, str]
    extractors: Mapping[tuple[str, str], str]


def cells(preset: Preset, machine: Machine) -> list[Cell]:
    """The cells of a preset: first those that train, by repetition, each after its ancestor; then timing, by launch.

    preset: the grid.
    machine: decides device and hashes.

    Raises BadInput where a paradigm's file does not declare its task.
    """
    grid = Grid(preset, machine)
    quality = [cell for repetition in range(preset.seeds) for cell in grid.quality(repetition)]
    return quality + [cell for launch in range(preset.timing_launches) for cell in grid.timing(launch)]


def refuse_large(preset: Preset) -> None:
    """Raise BadInput where a preset has more than MAX_CELLS cells, which it would take long only to list."""
    trained = sum(max(len(variant.trials), 1) + 1 for variant in preset.variants.values())
    n = len(preset.datasets) * (preset.seeds * trained + preset.timing_launches * len(preset.variants))
    if n > MAX_CELLS:
        raise BadInput(
            f"preset {preset.name!r}: seeds = {preset.seeds} and timing_launches = {preset.timing_launches} with "
            f"{len(preset.variants)} variants on {len(preset.datasets)} data sets are some {n} cells; allowed: "
            f"{MAX_CELLS}; lower one of them, or choose variants with --paradigm"
        )


@dataclass(frozen=True)
class Grid:
    """The cells of one preset on one machine."""

    preset: Preset
    machine: Machine

    def quality(self, repetition: int) -> Iterator[Cell]:
        """One cell per data set, variant and trial of a repetition, and the common starts that they need."""
        for dataset in self.preset.datasets:
            trained: dict[str, Cell] = {}  # variant -> its cell here
            starts: dict[str, Cell] = {}  # train key -> common start
            for name, variant in self._variants(dataset):
                if variant.only_start and name not in self._whole_starts():
                    continue
                start = trained.get(variant.init_from)
                if variant.init_share is not None:
                    start = self._start(variant, dataset, repetition)
                    if start.train_key not in starts:
                        starts[start.train_key] = start
                        yield start
                for cell in self._scored(name, dataset, repetition, start.trained_stem if start else None):
                    trained[name] = cell
                    yield cell

    def _scored(self, name: str, dataset: str, repetition: int, ancestor: str | None) -> Iterator[Cell]:
        variant = self.preset.variants[name]
        if variant.only_start:
            yield self._cell("training", name, dataset, repetition, ancestor=ancestor, curve_points=1)
            return
        for trial, changes in list(enumerate(variant.trials)) or [(None, {})]:
            more = {"trial": trial, "changes": changes, "ancestor": ancestor}
            yield self._cell("quality", name, dataset, repetition, **more)

    def timing(self, launch: int) -> Iterator[Cell]:
        """One cell per data set and timed variant of a launch.

        Only the first trial is timed, because trials of one variant differ in quality and not in cost. Cells on several
        devices have none: a timing cell measures one device, and training on several reports what it costs.
        """
        if self.preset.devices > 1:
            return
        for dataset in self.preset.datasets:
            for name, variant in self._variants(dataset):
                if variant.timed and not variant.only_start:
                    yield self._cell("timing", name, dataset, launch, changes=next(iter(variant.trials), {}))

    def _variants(self, dataset: str) -> Iterator[tuple[str, Variant]]:
        for name, variant in self.preset.variants.items():
            if dataset in (variant.datasets or self.preset.datasets):
                yield name, variant

    def _whole_starts(self) -> set[str]:
        """Variants whose own finished cell is where another starts."""
        return {v.init_from for v in self.preset.variants.values() if v.init_from and v.init_share is None}

    def _start(self, variant: Variant, dataset: str, repetition: int) -> Cell:
        """The cell that trains what `variant` starts from, on its share of the variant's budget."""
        budget = variant.init_share * self._budget(variant, dataset)
        # Nothing of it is scored, so it keeps no weights along the way.
        more = {"budget_flops": budget, "curve_points": 1}
        return self._cell("training", variant.init_from, dataset, repetition, **more)

    def _cell(self, kind: str, name: str, dataset: str, repetition: int, **more) -> Cell:
        preset, variant = self.preset, self.preset.variants[name]
        source = paradigms.source(variant.paradigm)
        settings = preset.model_dump(include=set(Preset.model_fields) & set(Cell.model_fields) - {"name"})
        settings |= variant.model_dump(include=set(Variant.model_fields) & set(Cell.model_fields), exclude_none=True)
        settings |= {"title": variant.title or variant.series, "budget_flops": self._budget(variant, dataset)}
        settings |= {"train_code": fingerprint.train_code(source), "score_code": fingerprint.score_code(source)}
        settings |= {"cost_code": fingerprint.cost_code(), "data_hash": self.machine.data_hashes[dataset]}
        settings["extractor_hashes"] = self._hashes(dataset, settings["extractors"])
        settings |= {"device": self.machine.device, "seed": _seed(preset.base_seed, dataset, repetition)}
        place = {"kind": kind, "preset": preset.name, "variant": name, "dataset": dataset, "repetition": repetition}
        return Cell(**settings | place | more)

    def _hashes(self, dataset: str, kinds: Sequence[str]) -> list[str | None]:
        return [self.machine.extractors.get((dataset, kind)) for kind in kinds]

    def _budget(self, variant: Variant, dataset: str) -> float:
        flops = getattr(self.preset.budget_flops, task(variant.paradigm))
        return flops * variant.budget * self.preset.budget_of.get(dataset, 1.0)


def task(paradigm: str) -> str:
    """The task of a paradigm, "generation" or "recognition", which decides its budget; read without importing it.

    paradigm: name, or path to its file.

    Raises BadInput where the file does not declare one of them.
    """
    allowed = list(Budget.model_fields)
    found = paradigms.facts(paradigm).get("task")
    if found not in allowed:
        where = paradigms.source(paradigm)
        raise BadInput(f"paradigm file {where}: class fact task = {found!r}; allowed: {', '.join(allowed)}")
    return found


def _seed(*parts: object) -> int:
    # It does not depend on the paradigm. So variants share the order of training images, the noise that samples start
    # from, and the initial weights where their networks are built alike; not the noise of training, nor the batches.
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
