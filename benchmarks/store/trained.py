"""What training leaves behind: one folder per trained cell, with its weights and what they cost.

`trained/STEM/` holds `end.safetensors`, weights kept along the way, and `training.json`. That is written last: a folder
without it is not finished. It holds the hash of every file of weights and a checksum of itself, so that changed ones
are noticed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmarks.errors import one_line
from benchmarks.store import checksum, parsing, records
from benchmarks.store.saved import FileName, Saved

END, REPORT = "end.safetensors", "training.json"


class NoWeights(ValueError):
    """The weights of a cell are absent, unfinished or changed; the message is one line that says which."""


class SavedReport(Saved):
    """What `training.json` holds: weights is the hash of every file of weights by its name."""

    train_key: str
    training: dict[str, Any]
    points: list[dict[str, Any]]
    weights: dict[FileName, str]


@dataclass(frozen=True)
class Trained:
    """The folder of one trained cell. stem: `Cell.trained_stem`."""

    results_dir: Path
    stem: str

    @property
    def folder(self) -> Path:
        """Path of the folder, whether it exists or not."""
        return self.results_dir / "trained" / self.stem

    def finish(self, key: str, training: dict, points: list[dict]) -> None:
        """Write the report that makes the folder complete, with the hash of every file of weights.

        key: the cell's train key.
        training: the record's `training`.
        points: moments along training whose weights were kept, each with the name of its file as `weights`.
        """
        names = [*(point["weights"] for point in points), END]
        hashes = {name: _hash(self.folder / name) for name in names}
        report = {"train_key": key, "training": training, "points": points, "weights": hashes}
        records.write(self.folder / REPORT, report)

    def report(self, key: str | None = None) -> dict:
        """{"train_key", "training", "points", "weights"} of a finished folder. Raises NoWeights where it is not
        finished, or was trained under another key than `key`."""
        path = self.folder / REPORT
        try:
            report = parsing.value(parsing.content(path))
            SavedReport.model_validate(report)
            changed = checksum.broken(report)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = one_line(".".join(map(str, first["loc"])) or "all of it")
            raise NoWeights(f"{path}: does not fit: {place}: {first['msg']}") from None
        except (OSError, ValueError) as error:
            raise NoWeights(f"{path}: {one_line(error)}") from None
        if changed:
            raise NoWeights(f"{path}: changed since it was written (its checksum differs)")
        if key is not None and report["train_key"] != key:
            raise NoWeights(f"{path}: trained under another key")
        return report

    def file(self, name: str = END) -> Path:
        """The path of a file of weights. Raises NoWeights where it is absent or not as it was written."""
        expected, path = self.report()["weights"].get(name), self.folder / name
        if path.exists() and not path.is_file():
            raise NoWeights(f"weights {path}: is no file")
        try:
            found = _hash(path)
        except OSError as error:
            raise NoWeights(f"weights {path}: {error.strerror}") from None
        if found != expected:
            raise NoWeights(f"weights {path}: changed since training (their hash differs)")
        return path

    def done(self, key: str) -> bool:
        """Whether it is finished under this train key, with all its files in place as they were written."""
        try:
            return all(self.file(name) for name in self.report(key)["weights"])
        except NoWeights:
            return False


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
