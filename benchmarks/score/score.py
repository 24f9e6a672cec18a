"""Score a trained cell: its final weights in full, those kept along training quickly."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.job import Job
from benchmarks.score.scoring import Scoring
from benchmarks.weights import load_into


def score(job: Job, progress: Callable) -> dict:
    """Load the weights that training left and score them; returns the record's `training`, `trained` (the folder of
    the weights), `weights_hash`, `quality`, `samples_file` and `evaluation_seconds`.

    Raises NoWeights where training left none or they have changed since.
    """
    report = job.trained.report(job.cell.train_key)
    paradigm = job.build().requires_grad_(False)
    paradigm.ranks = job.ranks
    scoring, curve = Scoring(job, paradigm), []
    for index, point in enumerate(report["points"]):
        progress("scoring", index / (len(report["points"]) + 1))
        load_into(paradigm, job.trained.file(point["weights"]), job.device)
        spent = {name: value for name, value in point.items() if name != "weights"}
        curve.append(spent | scoring.quick_scores())
    end = job.trained.file()
    load_into(paradigm, end, job.device)
    progress("scoring", len(report["points"]) / (len(report["points"]) + 1))
    quality, training = scoring.full_scores(), report["training"]
    last = {key: training[key] for key in ("flops", "images", "updates", "seconds")}
    last |= {"stage": training["stages"][-1]["name"]}
    quality["curve"] = [*curve, last | scoring.quick_scores(quality["samples"])]
    quality["signals"] = training["signals"] if "signals" in job.cell.scores else None
    samples_file = scoring.save_grids() if job.ranks.first else None
    return {
        "training": {name: value for name, value in training.items() if name != "signals"},
        "trained": job.trained.stem,
        "weights_hash": report["weights"][end.name],
        "quality": quality,
        "samples_file": samples_file,
        "evaluation_seconds": scoring.seconds,
    }
