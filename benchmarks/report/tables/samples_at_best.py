"""Every metric of samples at each sampler's best NFE. Metrics declare their heads in their own files."""

from __future__ import annotations

from typing import NamedTuple

from pandas import DataFrame, Series

from benchmarks.columns import Column
from benchmarks.report.formats import DASH, STYLES, plus_minus
from benchmarks.report.frames import columns
from benchmarks.report.frames.choice import best, candidates, explained
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.marks import SIGN
from benchmarks.report.tables.fields import budget_notes, budgets, is_marked
from benchmarks.report.tables.sheet import Sheet, dense

DOCUMENT, ORDER = "comparison", 30
MEANS = "Means over training seeds, by the test split. chosen among: number of NFEs of the sampler."

DETAILS = (
    "chosen among",
    "bias",
    "sd, sampling",
    "density",
    "coverage",
    "class distance",
    "entropy",
    "label agreement",
)
DETAILS += ("distance ratio", "ratio 3")


class Shown(NamedTuple):
    """A column of the comparison in this table: its head, how it is printed, and a note about it."""

    head: str
    style: str = "number"
    note: str | None = None


# In the order of the table; a column that a metric declares is shown as it declares it.
KNOWN = {
    "fid": Shown("FID"),
    "fid_bias": Shown(
        "bias", note="bias: the expected FID of a perfect generator with this many samples, to first order"
    ),
    "fid_ratio": Shown("ratio"),
    "sampling_sd": Shown(
        "sd, sampling", note="sd, sampling: sd of the ratio over sampling seeds of one trained network"
    ),
    "fid2_ratio": Shown("ratio 2", note="ratio 2: FID ratio by the second scoring network"),
    "kid": Shown("KID", note="KID: mean ± its standard error"),
    **{name: Shown(name) for name in ("precision", "recall", "density", "coverage")},
    "class_distance": Shown("class distance"),
    "class_entropy": Shown("entropy"),
    "label_agreement": Shown("label agreement", "percent"),
    "memorisation": Shown(
        "memorised",
        "percent",
        "memorised: share of samples that are nearer to a training image than the median held-out image is; new data "
        "would give 50 %",
    ),
    "memorisation_ratio": Shown(
        "distance ratio",
        note="distance ratio: mean distance to the nearest training image, over that of held-out images",
    ),
}


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant and sampler, one column per metric."""
    shown, named = _shown(), budgets(rows)
    lines = []
    for (variant, sampler), line in rows.dropna(subset="sampler").groupby(["variant", "sampler"], sort=False):
        top = best(line)
        if top is not None:
            cells = {column.head: _text(top, name, column.style) for name, column in shown.items()}
            nfe = f"{top.nfe:g} {SIGN}" if is_marked(top) else f"{top.nfe:g}"
            about = {"variant": named[variant], "sampler": sampler, "NFE": nfe}
            lines.append(about | {"chosen among": f"{len(candidates(line))}"} | cells)
    if not lines:
        return []
    body = dense(lines)
    notes = [f"{column.note}." for column in shown.values() if column.note and column.head in body]
    return [Sheet("Samples at the best NFE", body, (MEANS, explained(rows), *budget_notes(rows), *notes), DETAILS)]


def _shown() -> dict[str, Shown]:
    declared = columns.declared()
    found = {name: _declared(declared[name]) if name in declared else shown for name, shown in KNOWN.items()}
    new = {name: _declared(column) for name, column in declared.items() if name in columns.scores()}
    return {name: shown for name, shown in (found | new).items() if shown}


def _declared(column: Column) -> Shown | None:
    """How a declared column is shown; None where it has no head and stands in the CSV file alone."""
    if column.head is None:
        return None
    direction = f", {column.direction} is better" if column.direction else ""
    first = column.meaning.partition(". ")[0].removesuffix(".")
    return Shown(column.head, column.style, f"{column.head} ({column.unit}{direction}): {first}")


def _text(row: Series, name: str, style: str) -> str:
    if f"{name}_se" in row and style == "number":
        return plus_minus(row[name], row[f"{name}_se"])
    return STYLES[style](row[name]) if name in row else DASH
