"""The comparison as files: CSV with every column for programs, Markdown and LaTeX with what fits a page for people."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from pandas import DataFrame
from tabulate import tabulate

from benchmarks.report import caption
from benchmarks.report.caption import DASH, number
from benchmarks.report.comparison import best
from benchmarks.report.frames import Frames

SUMMARY_NFE = (1, 4)


def write(table: DataFrame, frames: Frames, folder: Path) -> None:
    """Write comparison.csv, comparison.md and comparison.tex of the comparison `table` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "comparison.csv", index=False, float_format="%.6g", lineterminator="\n")
    parts = [(frames.of(dataset), rows) for dataset, rows in table.groupby("dataset")]
    (folder / "comparison.md").write_text("\n".join(_markdown(*part) for part in parts), encoding="utf-8")
    (folder / "comparison.tex").write_text("\n".join(_latex(*part) for part in parts), encoding="utf-8")


def summary(table: DataFrame) -> str:
    """One line a variant for a terminal: FID ratio at 1, 4 and its best NFE, accuracy, training FLOPs, ms per image.

    Where a variant has several samplers, an NFE's ratio is that of the one with the lowest mean over seeds. The best is
    the lowest mean over the listed NFEs and samplers, and is named; ms per image is at that one.
    """
    lines = []
    for (dataset, variant), rows in table.groupby(["dataset", "variant"], sort=False):
        first, top = rows.iloc[0], best(rows)
        line = {"data": dataset, "variant": variant, "seeds": f"{first.n_seeds}"}
        line |= {f"ratio@{nfe}": _ratio(best(rows[rows.nfe == nfe])) for nfe in SUMMARY_NFE}
        line["best"] = DASH if top is None else f"{_ratio(top)} @ {top.nfe:g} {top.sampler}"
        line["accuracy"] = _percent(first.accuracy)
        line["train FLOPs"] = number(first.train_flops)
        line["ms/image"] = DASH if top is None else number(top.sample_ms_per_image)
        line["status"] = first.status
        lines.append(line)
    if table.dataset.nunique() == 1:
        lines = [{key: value for key, value in line.items() if key != "data"} for line in lines]
    return tabulate(lines, headers="keys", tablefmt="simple", disable_numparse=True)


def _readable(table: DataFrame) -> DataFrame:
    """One line a variant and sampler, FID ratios side by side by NFE."""
    lines = []
    nfes = sorted(table.nfe.dropna().unique())
    for (variant, sampler), rows in table.groupby(["variant", "sampler"], sort=False, dropna=False):
        first, top = rows.iloc[0], best(rows)
        line = {"variant": variant, "paradigm": first.title, "sampler": DASH if pd.isna(sampler) else sampler}
        line |= {f"FID ratio, {nfe:g} NFE": _ratio(best(rows[rows.nfe == nfe])) for nfe in nfes}
        line["accuracy"] = _percent(first.accuracy, first.accuracy_sd)
        line["train FLOPs"] = number(first.train_flops)
        line["train images/s"] = number(first.train_images_per_second)
        line["ms/image (NFE)"] = DASH if top is None else f"{number(top.sample_ms_per_image)} ({top.nfe:g})"
        line["memorisation (NFE)"] = DASH if top is None else f"{number(top.memorisation_ratio)} ({top.nfe:g})"
        line["train MiB"] = number(_mebibytes(first.peak_train_bytes))
        line["status"] = first.status
        lines.append(line)
    return DataFrame(lines)


def _notes(frames: Frames, dataset: str) -> list[str]:
    reasons = frames.cells[frames.cells.status != "done"].dropna(subset="reason")
    failures = [f"{cell.variant}: {cell.status}: {cell.reason}" for cell in reasons.itertuples()]
    return [
        f"{dataset}; mean ± sd over {caption.seeds(frames)}; {DASH} where it does not apply or was not measured",
        caption.scoring(frames),
        "ms per image and memorisation at the NFE with the lowest mean FID ratio among those listed, in brackets; "
        "memorisation = distance of samples to the nearest training image / the same of held-out images",
        f"{caption.timing(frames)}; {caption.origin(frames)}",
        *dict.fromkeys(failures),
    ]


def _markdown(frames: Frames, rows: DataFrame) -> str:
    dataset = rows.dataset.iloc[0]
    body = _readable(rows).map(lambda text: text.replace("|", r"\|"))
    table = tabulate(body, headers="keys", tablefmt="github", showindex=False, disable_numparse=True)
    return f"{table}\n\n" + "\n".join(f"- {note}" for note in _notes(frames, dataset)) + "\n"


def _latex(frames: Frames, rows: DataFrame) -> str:
    table = tabulate(_readable(rows), headers="keys", tablefmt="latex", showindex=False, disable_numparse=True)
    notes = tabulate([[note] for note in _notes(frames, rows.dataset.iloc[0])], tablefmt="latex")
    notes = [line.removesuffix(r"\\").strip() for line in notes.splitlines() if line.endswith(r"\\")]
    text = table + "\n\n" + "\n\n".join(notes) + "\n"
    return text.replace("±", r"$\pm$")


def _mebibytes(n_bytes) -> float:
    return n_bytes if pd.isna(n_bytes) else n_bytes / 2**20


def _percent(mean: float, sd: float = float("nan")) -> str:
    if pd.isna(mean):
        return DASH
    return f"{100 * mean:.1f} %" if pd.isna(sd) else f"{100 * mean:.1f} ± {100 * sd:.1f} %"


def _ratio(row: pd.Series | None) -> str:
    if row is None:
        return DASH
    mean, sd = row.fid_ratio, row.fid_ratio_sd
    decimals = max(0, 2 - math.floor(math.log10(max(abs(mean), 0.01))))
    return f"{mean:,.{decimals}f}" if pd.isna(sd) else f"{mean:,.{decimals}f} ± {sd:,.{decimals}f}"
