"""Trains and scores the cells of the primaries: of head in this process, of the base in its own, by its own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.execute import session
from benchmarks.gate import in_tree, revision, runs
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.gate.primaries import PrimaryTest
from benchmarks.plan.preset import Preset


@dataclass(frozen=True)
class PrimaryCells:
    """The cells of one gate; those that are finished are not run again.

    given: name or path of the preset.
    preset: head's.
    wanted: tests, whose columns alone are scored.
    tree: the source trees.
    options: of the gate; records are kept below `output`.
    """

    given: str
    preset: Preset
    wanted: Sequence[PrimaryTest]
    tree: Tree
    options: GateOptions

    def head(self, names: Sequence[str], seeds: int) -> list[dict]:
        """Runs of some variants in the working tree, as `runs.measure` returns them."""
        place = session.Place(self._folder("head"), data_dir=self.options.data_dir, jobs=self.options.jobs)
        return runs.measure(self.preset, names, self._columns(), seeds, place)

    def base(self, names: Sequence[str], seeds: int) -> list[dict]:
        """Runs of some variants in the base's tree. Raises BadInput where it does not run."""
        root, data_dir = self.tree.base, self.options.data_dir
        files = [revision.within(name, root, self.tree.head) for name in self.options.paradigm]
        request = {
            "name": revision.within(self.given, root, self.tree.head),
            "preset": self.preset.model_dump(mode="json", exclude={"gate"}, exclude_defaults=True),
            "paradigm": files,
            "variants": list(names),
            "columns": self._columns(),
            "seeds": seeds,
            "results_dir": str(self._folder("base").resolve()),
            "data_dir": str(data_dir.resolve()) if data_dir else None,
            "jobs": self.options.jobs,
        }
        return in_tree.answer(revision.code_root(root), "benchmarks.gate.runs", request)

    def _folder(self, side: str) -> Path:
        return self.options.output / "quality" / self.preset.name / side

    def _columns(self) -> dict[str, list[tuple]]:
        columns: dict[str, list[tuple]] = {}
        for test in self.wanted:
            columns.setdefault(test.variant, []).append((test.column, test.nfe, test.sampler))
        return columns
