"""What a table or figure must say about itself: seeds, data, what scored it, what it ran on, and how it was timed."""

from __future__ import annotations

import math
from collections.abc import Collection

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.frames import Frames

DASH = "-"  # stands for what does not apply or was not measured


def seeds(frames: Frames, shown: Collection[str] | None = None) -> str:
    """How many training seeds the means are over; of the variants in `shown` alone, if given."""
    quality = frames.cells[(frames.cells.kind == "quality") & (frames.cells.status == "done")]
    quality = quality if shown is None else quality[quality.variant.isin(shown)]
    counts = sorted(quality.groupby("variant").size().unique())
    counted = " to ".join(str(count) for count in dict.fromkeys([*counts[:1], *counts[-1:]])) or "no"
    return f"{counted} training seed{'s' if counts != [1] else ''}"


def spread(frames: Frames, shown: Collection[str] | None = None) -> str:
    """Means and bands of the variants in `shown` (of all, if not given), in words; no band where there is one seed."""
    counted = seeds(frames, shown)
    text = (
        counted
        if counted == "1 training seed"
        else f"mean of {counted}, band ± 1 sd over seeds (the tables' ± is half of a 95 % t interval)"
    )
    return "; ".join([text, *_without_result(frames)])


def _without_result(frames: Frames) -> list[str]:
    quality = frames.cells[frames.cells.kind == "quality"]
    ended = {name: sorted(set(cells.status)) for name, cells in quality.groupby("variant")}
    lost = [f"{name} ({', '.join(statuses)})" for name, statuses in ended.items() if "done" not in statuses]
    return [f"no result: {', '.join(lost)}"] if lost else []


def scoring(frames: Frames) -> str:
    """What the FID is of and against, by which extractor, and its floor."""
    samples = frames.samples
    n = _several(samples.n_samples, "{:,.0f}")
    floor, whole = (_several(samples[name], "{:.3g}") for name in ("fid_floor", "fid_floor_whole"))
    extractor = _several(samples.fid_extractor, "{}")
    return (
        f"FID of {n} samples against the held-out split ({extractor}); "
        f"ratio = FID / {floor}, the mean FID of as many training images drawn at random "
        f"(the training split itself: {whole})"
    )


def origin(frames: Frames) -> str:
    """Commit and machine of the records."""
    more = f"; {frames.left_out} further variants are in the tables" if frames.left_out else ""
    return f"commit {_several(frames.cells.commit, '{}')}; {_several(frames.cells.machine, '{}')}{more}"


def timing(frames: Frames) -> str:
    """Whether the times were measured with the machine to itself."""
    timed = frames.cells[(frames.cells.kind == "timing") & (frames.cells.status == "done")]
    shared = sorted(timed.variant[timed.exclusive.ne(True)])
    if timed.empty:
        return "not timed"
    return f"timed on a SHARED machine: {', '.join(shared)}" if shared else "timed with nothing else of ours running"


def number(value: float) -> str:
    """A number as tables and bars show it: three digits, thousands in full, a dash for a missing one."""
    if pd.isna(value):
        return DASH
    return f"{value:,.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}".replace("e+0", "e").replace("e+", "e")


def plus_minus(mean: float, half: float) -> str:
    """A mean with the half width of its interval, both to the digits that the mean's size asks for."""
    if pd.isna(mean):
        return DASH
    decimals = max(0, 2 - math.floor(math.log10(max(abs(mean), 0.001))))
    return f"{mean:,.{decimals}f}" if pd.isna(half) else f"{mean:,.{decimals}f} ± {half:,.{decimals}f}"


def percent(share: float, decimals: int = 1, half: float = float("nan")) -> str:
    """A share in percent, with the half width of its interval if there is one."""
    if pd.isna(share):
        return DASH
    spread = "" if pd.isna(half) else f" ± {100 * half:.{decimals}f}"
    return f"{100 * share:.{decimals}f}{spread} %"


def extractors(frames: Frames, column: str) -> str:
    """The scoring networks of a FID. column: fid_extractor or fid2_extractor."""
    return _several(frames.samples[column], "{}")


def notes(frames: Frames, rows: DataFrame) -> list[str]:
    """What stands under all tables of a data set: seeds, scoring, timing, origin, and why cells failed."""
    reasons = frames.cells[frames.cells.status != "done"].dropna(subset="reason")
    failures = [f"{cell.variant}: {cell.status}: {cell.reason}" for cell in reasons.itertuples()]
    measured = rows[[name for name in rows if name.endswith("_mde")]].notna().any(axis=None)
    return [
        f"means over {seeds(frames)}; {DASH} where it does not apply or was not measured",
        scoring(frames),
        "min. detectable: the smallest difference, relative to the mean, of two rows of as many seeds (for times: "
        "launches) that noise lets one see, two-sided 5 %, power 80 %, from an A/A study of one generator and one "
        "recogniser at the nearest NFE; noisier variants need more, which their intervals show; for times it holds on "
        "the study's machine"
        if measured
        else "no A/A study at hand for this data set, so minimum detectable effects are unknown",
        f"{timing(frames)}; {origin(frames)}",
        *dict.fromkeys(failures),
    ]


def _several(values: Series, form: str) -> str:
    return ", ".join(sorted({form.format(value) for value in values.dropna()})) or "unknown"
