"""The folder in which a cell works: its specification, log, progress and checkpoint."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plan.cell import Cell
from benchmarks.store import records


@dataclass(frozen=True)
class Work:
    """`.work/CELL` of a results folder.

    results_dir: results folder.
    data_dir: folder of the data sets; None for the default.
    cell: settings.
    """

    results_dir: Path
    data_dir: Path | None
    cell: Cell

    @classmethod
    def of_spec(cls, spec: Path) -> Work:
        """The work that a specification describes."""
        found = json.loads(spec.read_text())
        data_dir = Path(found["data_dir"]) if found["data_dir"] else None
        return cls(Path(found["results_dir"]), data_dir, Cell.model_validate(found["cell"]))

    @property
    def folder(self) -> Path:
        """Path of the folder, whether it exists or not."""
        return self.results_dir / ".work" / self.cell.work_stem

    @property
    def log(self) -> Path:
        """Standard output and standard error of the cell."""
        return self.folder / "log.txt"

    @property
    def record(self) -> Path:
        """Path of the cell's record."""
        return records.path_of(self.results_dir, self.cell)

    def specify(self, name: str = "spec.json", **more) -> Path:
        """Write the specification that the cell's process reads; returns its path.

        name: of its file.
        more: further values, such as the placement on a GPU, which the record repeats.
        """
        self.folder.mkdir(exist_ok=True)
        spec = self.folder / name
        folders = {"results_dir": str(self.results_dir), "data_dir": str(self.data_dir) if self.data_dir else None}
        text = json.dumps({"cell": self.cell.model_dump(), **folders, **more}, indent=1)
        partial = self.folder / f"{name}.{os.getpid()}.tmp"
        partial.write_text(text)
        return partial.replace(spec)

    def clear(self) -> None:
        """Remove what an earlier attempt left and this one must not be taken for; only the holder of the claim may."""
        cells, stem = self.record.parent, self.record.name
        leftovers: Iterable[Path] = [*self.folder.glob("*.tmp"), *cells.glob(f".{stem}.*.tmp")]
        for path in (self.record, self.folder / "progress.json", *leftovers):
            path.unlink(missing_ok=True)

    def progress(self) -> dict:
        """The worker's last report: phase, fraction in 0..1 and more; empty before its first report."""
        try:
            return json.loads((self.folder / "progress.json").read_text())
        except (OSError, ValueError):
            return {}

    def last_line(self) -> str:
        """The last line of the log that is not blank; empty where there is none."""
        try:
            text = self.log.read_bytes()[-4096:].decode(errors="replace")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
