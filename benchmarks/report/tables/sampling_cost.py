"""What sampling costs at the best NFE of each sampler."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame

from benchmarks.report.formats import number, percent
from benchmarks.report.frames.choice import best
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.sheet import FLAG, Sheet, dense, detectable_line, flagged, flags, mebibytes

DOCUMENT, ORDER = "comparison", 100
NOTE = (
    "ms/image: in batches. latency: of one image alone. efficiency: NFE times the time of one evaluation, over the "
    "time of the sampler; the rest is overhead of the sampler."
)
DETAILS = ("p90, ms", "MFU", "J/image", "warm-up s")
MOST = 1.05  # an efficiency above this is no efficiency: it only says that one of two timings is wrong
SPREAD = 1.2  # ratio of times up to which samplers with as many evaluations of one network agree


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant and sampler."""
    lines = []
    for (_, sampler), line in rows.dropna(subset="sampler").groupby(["variant", "sampler"], sort=False):
        top = best(line)
        if top is None:
            continue
        p50 = top.latency_p50_ms if pd.notna(top.latency_p50_ms) else top.latency_ms_batch1
        lines.append(
            {
                **{"variant": flagged(top), "sampler": sampler, "NFE": f"{top.nfe:g}"},
                "ms/image": number(top.sample_ms_per_image),
                **{"latency p50, ms": number(p50), "p90, ms": number(top.latency_p90_ms)},
                **{"efficiency": _efficiency(top.sampler_efficiency), "FLOPs/sample": number(top.flops_per_sample)},
                **{"MFU": percent(top.mfu), "J/image": number(top.energy_joules_per_image)},
                **{"MiB": number(mebibytes(top.peak_sample_bytes)), "warm-up s": number(top.warmup_seconds)},
            }
        )
    if not lines:
        return []
    lines += detectable_line({"ms/image": rows.sample_ms_per_image_mde.max()})
    notes = (NOTE, *flags(rows), *_contradictions(rows))
    return [Sheet("Cost of sampling at the best NFE", dense(lines), notes, DETAILS)]


def _efficiency(value: float) -> str:
    return f"{percent(value)} {FLAG}" if value > MOST else percent(value)


def _contradictions(rows: DataFrame) -> list[str]:
    """Timings of one variant that cannot all be right: other work on the computer distorted some of them."""
    notes = []
    beyond = rows[rows.sampler_efficiency > MOST]
    if len(beyond):
        where = ", ".join(f"{row.variant}, {row.sampler} at {row.nfe:g} NFE" for row in beyond.itertuples())
        notes.append(
            f"{FLAG} An efficiency above {100 * MOST:.0f} % is impossible: the sampler would be faster than its own "
            f"evaluations. Other work distorted the timing of {where}."
        )
    for (variant, nfe), group in rows.dropna(subset="sample_ms_per_image").groupby(["variant", "nfe"], sort=False):
        low, high = group.sample_ms_per_image.min(), group.sample_ms_per_image.max()
        if high > SPREAD * low:
            times = ", ".join(f"{row.sampler} {number(row.sample_ms_per_image)}" for row in group.itertuples())
            notes.append(
                f"{FLAG} Samplers of {variant} with the same {nfe:g} evaluations differ in ms/image: {times}. So much "
                "is noise of these timings, or work of the sampler beside its evaluations."
            )
    return notes
