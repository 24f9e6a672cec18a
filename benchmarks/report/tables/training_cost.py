"""What training costs: FLOPs, time, throughput, energy and memory."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.formats import number, percent
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.sheet import Sheet, dense, detectable_line, flagged, flags, mebibytes

DOCUMENT, ORDER = "comparison", 90
NOTE = (
    "step: one update on a batch in memory. end to end: with the data loader and the Trainer. MFU (model FLOPs "
    "utilisation): executed FLOPs per second, over the measured peak of the device."
)
DETAILS = ("paradigm", "MFU", "J/image", "MiB init", "MiB evaluate")
PARALLEL = (
    "train s, while other cells ran: seconds of cells that shared the computer with others, so they do not compare "
    "variants; images/s does."
)


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant, whether or not it finished."""
    rows = rows.drop_duplicates("variant")
    seconds, notes = _seconds(frames)
    lines = []
    for _, row in rows.iterrows():
        lines.append(
            {
                **{"variant": flagged(row), "paradigm": row.title, "seeds": f"{row.n_seeds}"},
                **{"train FLOPs": number(row.train_flops), seconds: number(row.train_seconds)},
                "images/s, step": number(row.train_images_per_second),
                "images/s, end to end": number(row.train_end_to_end_images_per_second),
                **{"MFU": percent(row.train_mfu), "J/image": number(row.train_energy_joules_per_image)},
                "MiB init": number(mebibytes(row.peak_init_bytes)),
                "MiB train": number(mebibytes(row.peak_train_bytes)),
                **{"MiB evaluate": number(mebibytes(row.peak_evaluate_bytes)), "status": row.status},
            }
        )
    lines += detectable_line({"images/s, step": rows.train_images_per_second_mde.max()})
    return [Sheet("Cost of training", dense(lines), (NOTE, *notes, *flags(rows)), DETAILS)]


def _seconds(frames: Frames) -> tuple[str, list[str]]:
    """The head of the column of training seconds, and what is said about them: whether they are the variant's own."""
    trained = frames.cells[(frames.cells.kind == "quality") & (frames.cells.status == "done")]
    if trained.alone.eq(True).all():
        return "train s", []
    return "train s, while other cells ran", [PARALLEL]
