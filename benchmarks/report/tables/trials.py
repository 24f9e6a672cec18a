"""Trials of options: what each gave on the validation split, and how often it was chosen."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.formats import number, percent
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "trials", 10
NOTE = (
    "Means over training seeds. All other tables show, of each seed, the trial that is best on the validation split: "
    "by its accuracy, or else by the lowest FID. chosen: number of seeds of which it is that trial."
)


def data(frames: Frames, comparison: DataFrame) -> DataFrame | None:
    """One row per trial and training seed."""
    return frames.trials if len(frames.trials) else None


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant and trial."""
    kinds = {"validation_accuracy": lambda mean: percent(mean, 2), "validation_fid": number}
    found = {name: show for name, show in kinds.items() if rows[name].notna().any()}
    lines = [
        {
            **{"variant": variant, "trial": changes.strip("{}").replace('"', "")},
            **{name.replace("_", " "): show(group[name].mean()) for name, show in found.items()},
            "finished": f"{(group.status == 'done').sum()} of {len(group)}",
            "chosen": f"{group.chosen.sum()}",
        }
        for (variant, _, changes), group in rows.groupby(["variant", "trial", "changes"], sort=False)
    ]
    return [Sheet("Trials", DataFrame(lines), (NOTE,))]
