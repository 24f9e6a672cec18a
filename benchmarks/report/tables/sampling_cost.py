"""What sampling costs at the NFE with the lowest mean FID ratio."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame

from benchmarks.report.formats import number, percent
from benchmarks.report.frames.comparison import best
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.sheet import Sheet, dense, detectable_line, flagged, flags, mebibytes

DOCUMENT, ORDER = "comparison", 100
NOTE = (
    "ms/image: in batches. latency: of one image alone. efficiency: NFE times the time of one evaluation, over the "
    "time of the sampler; the rest is overhead of the sampler."
)


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
                **{"efficiency": percent(top.sampler_efficiency), "FLOPs/sample": number(top.flops_per_sample)},
                **{"MFU": percent(top.mfu), "J/image": number(top.energy_joules_per_image)},
                **{"MiB": number(mebibytes(top.peak_sample_bytes)), "warm-up s": number(top.warmup_seconds)},
            }
        )
    if not lines:
        return []
    lines += detectable_line({"ms/image": rows.sample_ms_per_image_mde.max()})
    return [Sheet("Cost of sampling at the best NFE", dense(lines), (NOTE, *flags(rows)))]
