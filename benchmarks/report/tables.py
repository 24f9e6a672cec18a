"""The comparison as files: CSV with every column for programs, Markdown and LaTeX with what fits a page for people."""

from __future__ import annotations

from pathlib import Path

from pandas import DataFrame

from benchmarks.report import aa, budgets, caption, costs, depth, lengths, paired, sheets
from benchmarks.report.frames import Frames
from benchmarks.report.markup import latex, markdown
from benchmarks.report.rows import AXES
from benchmarks.report.sheet import Sheet


def write(table: DataFrame, frames: Frames, folder: Path) -> None:
    """Write comparison.csv, .md and .tex of the comparison `table`, and from `frames` mcnemar.csv, at_equal_AXIS.csv
    and .md, time_to_target.csv and .md, and where the records hold such a thing trials, depth and aa, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _csv(table, folder / "comparison.csv")
    pairs = paired.paired(frames)
    _csv(pairs, folder / "mcnemar.csv")
    parts = {
        dataset: _comparison(frames.of(dataset), rows, pairs[pairs.dataset == dataset])
        for dataset, rows in table.groupby("dataset")
    }
    _text(folder / "comparison.md", "\n".join(markdown(name, *part) for name, part in parts.items()))
    _text(folder / "comparison.tex", "\n".join(latex(name, *part) for name, part in parts.items()))
    for axis in AXES:
        equal = budgets.at_equal(frames, axis)
        _csv(equal, folder / f"at_equal_{axis}.csv")
        _by_dataset(equal, folder / f"at_equal_{axis}.md", lambda rows, axis=axis: costs.at_equal(rows, axis))
    reached = budgets.time_to_target(frames)
    _csv(reached, folder / "time_to_target.csv")
    _by_dataset(reached, folder / "time_to_target.md", costs.time_to_target)
    if len(frames.trials):
        _csv(frames.trials, folder / "trials.csv")
        _by_dataset(frames.trials, folder / "trials.md", lambda rows: [sheets.trials(rows)])
    grid = depth.depth(frames)
    if len(grid):
        _csv(grid, folder / "depth.csv")
        _by_dataset(grid, folder / "depth.md", depth.sheets)
    study = aa.study(frames)
    if len(study):
        _csv(study, folder / "aa.csv")
        _by_dataset(study, folder / "aa.md", lambda rows: [sheets.study(rows)])


def _comparison(frames: Frames, rows: DataFrame, pairs: DataFrame) -> tuple[list[Sheet], list[str]]:
    first, second = (caption.extractors(frames, name) for name in ("fid_extractor", "fid2_extractor"))
    found = [
        sheets.by_nfe(rows, "fid_ratio", f"FID ratio ({first})"),
        sheets.by_nfe(rows, "fid2_ratio", f"FID ratio by the second extractor ({second})"),
        sheets.at_best(rows),
        lengths.sheet(frames, rows),
        sheets.recognition(rows),
        sheets.reconstruction(rows),
        sheets.mcnemar(pairs),
        sheets.reach(rows),
        costs.training(rows),
        costs.sampling(rows),
    ]
    return [sheet for sheet in found if sheet], caption.notes(frames, rows)


def _csv(table: DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _by_dataset(table: DataFrame, path: Path, parts) -> None:
    groups = table.groupby("dataset") if len(table) else []
    _text(
        path,
        "\n".join(markdown(name, parts(rows)) for name, rows in groups) or "Nothing was measured along training.\n",
    )
