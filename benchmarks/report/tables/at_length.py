"""Every generator at its natural NFE: the evaluations that one update differentiates through."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.formats import number, percent, plus_minus
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_shown, half_width
from benchmarks.report.frames.lengths import entries
from benchmarks.report.frames.marks import SIGN
from benchmarks.report.tables.fields import budget_notes, budgets, is_marked
from benchmarks.report.tables.sheet import Sheet, dense

DOCUMENT, ORDER = "comparison", 40
NOTES = (
    "NFE: the natural one, as many evaluations as one update differentiates through, measured. A network that is "
    "trained at single times of the process has none and is not listed.",
    "Mean ± half of the 95 % t interval over training seeds. ratio 2: FID ratio by the second scoring network. "
    "distance ratio: mean distance to the nearest training image, over that of held-out images.",
)


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per generator that has a natural NFE."""
    lines, named = [], budgets(rows)
    for entry in entries(frames):
        if not entry.n:
            continue
        at = rows[(rows.variant == entry.variant) & (rows.nfe == entry.nfe)].iloc[0]
        sign = f" {SIGN}" if is_marked(at) else ""
        second = half_shown(at.fid2_ratio, at.fid2_ratio_ci_low, at.fid2_ratio_ci_high)
        lines.append(
            {
                **{"variant": named[entry.variant], "NFE": f"{entry.nfe}{sign}"},
                "FID ratio": plus_minus(entry.ratio, half_width(entry.sd, entry.n)),
                "ratio 2": plus_minus(at.fid2_ratio, second),
                **{"coverage": number(at.coverage), "label agreement": percent(at.label_agreement)},
                **{"distance ratio": number(at.memorisation_ratio), "training FLOPs": number(entry.flops)},
            }
        )
    shown = rows[rows.variant.isin({entry.variant for entry in entries(frames) if entry.n})]
    return [Sheet("Samples at the natural NFE", dense(lines), (*NOTES, *budget_notes(shown)))] if lines else []
