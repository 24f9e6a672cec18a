"""An A/A study: the noise of each headline column, the differences it allows to detect, and both arms compared."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame

from benchmarks.report.formats import DASH, number, percent
from benchmarks.report.frames.aa import study
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import detectable
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "aa", 10
STUDY_N = (1, 3, 5, 10)  # runs per row for which detectable differences are listed


def data(frames: Frames, comparison: DataFrame) -> DataFrame | None:
    """One row per headline column, variant, sampler and NFE."""
    table = study(frames)
    return table if len(table) else None


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per headline column, variant, sampler and NFE."""
    lines = []
    for row in rows.itertuples():
        sees = {f"detectable, n = {n}": percent(detectable(row.cv, n, row.n - 1)) for n in STUDY_N}
        about = {"column": row.column, "variant": row.variant, "sampler": DASH if pd.isna(row.sampler) else row.sampler}
        about |= {"NFE": DASH if pd.isna(row.nfe) else f"{row.nfe:g}", "runs": f"{row.n}", "mean": number(row.mean)}
        low, high = 100 * row.difference_ci_low, 100 * row.difference_ci_high
        arms = {"B - A": f"{100 * row.difference:+.1f} %", "95 % CI": f"{low:+.1f} to {high:+.1f} %"}
        arms["includes 0"] = "yes" if row.inside else "NO"
        lines.append(about | {"CoV": percent(row.cv, 2)} | sees | arms)
    outside = int((~rows.inside.astype(bool)).sum())
    notes = (
        "runs: training seeds, for times launches of a process. Arm A: even repetitions; arm B: odd ones. CoV "
        "(coefficient of variation): sd / mean.",
        "detectable: the smallest relative difference of two means of n runs each that a two-sided 5 % test finds with "
        "a power of 80 %.",
        f"includes 0: whether the 95 % interval of the difference of the arms includes 0. {outside} of {len(rows)} do "
        "not. With independent rows one in twenty would not, by chance; rows of the same runs are not independent.",
        f"Hardware: {', '.join(sorted(set(rows.machine)))}.",
    )
    return [Sheet("A/A: the same code twice", DataFrame(lines), notes)]
