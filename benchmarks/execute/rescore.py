"""Lists the trained cells of a results folder with the hashes of today's scoring code and scoring networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

import paradigms
from benchmarks.errors import BadInput
from benchmarks.execute import fork_server, preparation, session
from benchmarks.execute.engines.local import WORKER
from benchmarks.plan import fingerprint, selection
from benchmarks.plan.cell import Cell
from benchmarks.store import records


def cells_of(place: session.Place, files: Sequence[str] = ()) -> tuple[list[Cell], list[str]]:
    """Cells to score again, and one line for each finished cell without weights.

    place: `results_dir` is read; scoring networks that are not cached are built in `data_dir`.

    files: paradigms' files that may be executed where a record names them.

    Returns the quality cells with weights, with today's hashes of the scoring code and the scoring networks. Nothing is
    trained: a cell keeps its train key, and a record without weights is left unchanged.

    Raises BadInput where no cell has weights, or where one names a paradigm's file that is none of `files`.
    """
    finished = {name: cell for name, record in records.in_folder(place.results_dir) if (cell := _cell(record))}
    found = [cell for cell in finished.values() if session.has_weights(place.results_dir, cell)]
    found += _interrupted(place.results_dir, {cell.place for cell in finished.values()})
    lines = [
        f"{name}: no weights in trained/{cell.trained_stem}; its scores are unchanged"
        for name, cell in finished.items()
        if cell not in found
    ]
    found = [selection.trusted(cell, files) for cell in found]
    if not found:
        raise BadInput(f"results folder {place.results_dir}: no trained cells to score; run its preset first")
    fork_server.import_once([preparation.PREPARE, WORKER])
    pairs = sorted({(cell.dataset, kind) for cell in found for kind in cell.extractors if "samples" in cell.scores})
    n_samples = found[0].n_samples  # one preset filled the folder
    hashes = preparation.networks(pairs, place.data_dir, n_samples, jobs=place.jobs)
    return [_today(cell, hashes) for cell in found], lines


def _interrupted(results_dir: Path, places: set[str]) -> Iterator[Cell]:
    """Cells whose record was set aside by a rescoring that ended before, or failed at, the new one: of each place that
    has no finished record, the one written last, if it has weights."""
    aside = sorted((results_dir / "stale").glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in aside:
        with suppress(records.DamagedRecord):
            cell = _cell(records.read(path))
            if cell and cell.place not in places and session.has_weights(results_dir, cell):
                places.add(cell.place)
                yield cell


def _cell(record: object) -> Cell | None:
    """The cell of a finished quality record; None for any other record, or one of another version."""
    if not isinstance(record, dict) or (record["kind"], record["status"]) != ("quality", "done"):
        return None
    try:
        return Cell.of_record(record)
    except (KeyError, ValidationError):
        return None


def _today(cell: Cell, hashes: dict[tuple[str, str], str]) -> Cell:
    code = fingerprint.score_code(paradigms.source(cell.paradigm))
    networks: Sequence[str | None] = [hashes.get((cell.dataset, kind)) for kind in cell.extractors]
    return cell.model_copy(update={"score_code": code, "extractor_hashes": list(networks)})
