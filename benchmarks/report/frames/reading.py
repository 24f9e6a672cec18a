"""The records of a results folder -> frames."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from benchmarks.errors import BadInput
from benchmarks.report.floors import corrected
from benchmarks.report.frames import columns, lengths, looks, marks, pace, pairs, rows, titles
from benchmarks.report.frames.experiments import separate
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.rows import AXES, LAYERS, LIKELIHOOD, REACH, RECOGNITION, TIMED_CELL, WHO
from benchmarks.report.frames.trials import chosen, trials
from benchmarks.store import records

KINDS = ("quality", "timing")  # of records that a report is about
POINT = [*WHO, "sampler", "primary", "nfe"]
CELL = [
    *[*WHO, "kind", "title", "era", "task", "status", "reason", "paradigm", "options", "commit", "train_code"],
    *["machine", "alone", "samples_file", "train_flops", "charged", "train_seconds", "accuracy"],
    *[*RECOGNITION, *LIKELIHOOD, *REACH],
    *["series", *LAYERS, "squared_error", "file", "preset", "versions", "made", "starts_from"],
    *["mismatch_amplification", "mismatch_reason", "natural_nfe", "floor_corrected", *TIMED_CELL, "timing_flags"],
    *["train_end_to_end_images_per_second", "train_mfu", "train_energy_joules_per_image"],
]
TIMED = [*POINT, "nfe_asked", *columns.SPEEDS]
DRAW = [*WHO, "sampler", "nfe_asked", "draw", "fid_ratio"]
ALONG = ["point", *AXES, "stage", "last_stage"]
ACCURACY = [*WHO, *ALONG, "accuracy"]
FID = [*POINT, *ALONG, "fid", "fid_ratio"]
LOSS = [*WHO, "stage_index", "stage", "update", "flops", "loss"]
CHAIN = [*WHO, "series", "quality"]
WORDS = {
    *["dataset", "variant", "sampler", "primary", "kind", "title", "era", "task", "status", "reason", "paradigm"],
    *["options", "commit", "train_code", "machine", "samples_file", "exclusive", "fid_extractor", "fid2_extractor"],
    *["stage", "last_stage", "correct", "series", "quality", "mismatch_reason", "timing_flags", "alone", "mark", "why"],
    *["floor_corrected", "charged", "file", "preset", "versions", "made", "starts_from"],
}  # every other column is numbers


def read(folder: Path) -> Frames:
    """The frames of every record of a results folder. A damaged record is left out with a warning that names it.

    folder: with `cells/` or `cells.jsonl.xz`. Raises BadInput where no record says what was scored or timed.
    """
    found = list(records.in_folder(folder))
    if not found:
        raise BadInput(f"results folder {folder}: no records in cells/; fill it with: python -m benchmarks run PRESET")
    readable = list(_readable(found))
    if not readable:
        raise BadInput(f"results folder {folder}: every record in cells/ is damaged; run the preset again")
    told = titles.retitled((record for record in readable if record["kind"] in KINDS), folder)
    everything = separate(sorted(told, key=_place))
    if not everything:
        raise BadInput(f"results folder {folder}: nothing is scored or timed yet; go on with: python -m benchmarks run")
    frames = _frames(folder, everything)
    declared = _looks(frames, looks.declared(everything, folder))
    names = titles.display_names(frames.cells)
    return replace(frames, looks=declared, names=names, pairs=pairs.declared(everything, folder))


def _frames(folder: Path, everything: list[dict]) -> Frames:
    kept = chosen(everything)
    done = [record for record in kept if record["status"] == "done"]
    quality = [record for record in done if record["kind"] == "quality"]
    timing = [record for record in done if record["kind"] == "timing"]
    sample = [*POINT, "nfe_asked", "fid_extractor", "fid2_extractor", *columns.scored()]
    samples = _frame((row for record in quality for row in rows.samples(record, "quality")), sample)
    paces = pace.paces(timing)
    return Frames(
        folder,
        cells=lengths.with_changes(_complete(_frame(map(rows.cell, kept), CELL)), set(samples.variant)),
        samples=samples,
        timing=_frame((row for record in timing for row in rows.samples(record, "timing")), TIMED),
        draws=_frame((row for record in quality for row in rows.draws(record)), DRAW),
        accuracy_curve=_frame((row for record in quality for row in rows.accuracy_curve(record, paces)), ACCURACY),
        fid_curve=_frame((row for record in quality for row in rows.fid_curve(record, paces)), FID),
        loss=_frame((row for record in quality for row in rows.loss(record)), LOSS),
        chains=_frame(map(rows.chain, quality), CHAIN),
        trials=trials(everything),
        marks=_frame((row for record in quality for row in marks.of_record(record)), marks.COLUMNS),
    )


def _looks(frames: Frames, declared: dict[str, looks.NamedLook]) -> dict[str, looks.NamedLook]:
    """A look for all that figures draw: what stands in many figures first, then points of series and families."""
    first = {*frames.cells.variant[frames.cells.series.isna()], *frames.cells.series.dropna()}
    families = {name for dataset in frames.datasets for name in lengths.drawn_names(frames.of(dataset))}
    return looks.assign(first | {*frames.cells.variant} | families, declared | looks.assign(first, declared))


def _readable(found: Iterable[tuple[str, dict | records.DamagedRecord]]) -> Iterator[dict]:
    for name, record in found:
        if isinstance(record, dict):
            yield corrected(record) | {"file": name}
        else:
            warnings.warn(f"left out of the report: {record}", stacklevel=4)


def _place(record: dict) -> tuple:
    cell = record["cell"]
    numbers = (cell.get("repetition") or 0, cell.get("trial") or 0)
    return (cell["dataset"], cell["variant"], record["kind"], *numbers, record["key"])


def _frame(rows: Iterable[dict], columns: list[str]) -> DataFrame:
    frame = DataFrame(list(rows), columns=columns, dtype=object)
    numbers = [name for name in columns if name not in WORDS]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    return frame


def _complete(cells: DataFrame) -> DataFrame:
    """Fill the facts of a class from the variant's other records: a worker that died early did not know them."""
    for fact in ["title", "era", "task"]:
        known = cells.groupby("variant")[fact].transform("first")
        cells[fact] = cells[fact].where(cells[fact].notna(), known)
    cells["title"] = cells.title.where(cells.title.notna(), cells.variant)
    return cells
