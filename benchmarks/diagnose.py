"""Scores one trained cell again from its weights and says in sentences where its quality is lost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError
from tabulate import tabulate

from benchmarks.errors import BadInput
from benchmarks.plan.cell import Cell
from benchmarks.plan.fingerprint import train_code
from benchmarks.plan.preflight import resolve
from benchmarks.plan.selection import trusted
from benchmarks.score.scoring import Scoring
from benchmarks.store import records
from benchmarks.store.trained import NoWeights, Trained
from benchmarks.weights import load_into
from benchmarks.worker import open_job
from paradigms import source

DASH = "-"
STAGE = ("coverage", "on_policy_reach", "credit_length", "flops_weighted_reach", "effective_reach")
STEP = ("norm_ratio", "variance_error", "cumulative_error", "floor", "modular_error", "two_sample_accuracy")
RESIDUALS = ("off_policy_residual", "on_policy_residual")
SAMPLE = ("fid_ratio", "fid2_ratio", "kid", "precision", "recall", "memorisation", "label_agreement")


def diagnose(path: Path, device: str = "auto", data_dir: Path | None = None, files: Sequence[str] = ()) -> dict:
    """Score the weights of a quality cell again.

    path: the cell's record, cells/*.json of a results folder.
    device: "auto", "cpu" or "cuda".
    data_dir: folder of the data sets; None for the default.
    files: paradigms' files that may be executed where a record names them.

    Returns {"record": path, "weights": path, "code_changed": whether the training code has changed since, "quality":
    as in the record, "lost": as `where_lost`}.

    Raises BadInput where `path` is not the record of a finished quality cell, its weights do not fit its paradigm, or
    its paradigm is a file that is none of `files`.
    """
    cell = trusted(read_cell(path), files).model_copy(update={"device": resolve(device)})
    job = open_job(cell, path.resolve().parent.parent, {"data_dir": data_dir})
    paradigm = job.build().requires_grad_(False)
    trained = Trained(job.results_dir, records.read(path).get("trained") or cell.trained_stem)
    try:
        weights = trained.file()
    except NoWeights as error:
        raise BadInput(f"record {path}: {error}; running the cell again writes them") from None
    load_into(paradigm, weights, job.device)
    quality = Scoring(job, paradigm).full_scores()
    changed = train_code(source(cell.paradigm)) != cell.train_code
    places = {"record": str(path), "weights": str(weights)}
    return places | {"code_changed": changed, "quality": quality, "lost": where_lost(quality)}


def read_cell(path: Path) -> Cell:
    """The cell of a finished quality cell's record.

    Raises BadInput for any other file.
    """
    if path.suffix != ".json":
        raise BadInput(f"{path}: is no record; give a file cells/*.json of a results folder")
    try:
        record = records.read(path)
        cell = Cell.of_record(record)
    except records.DamagedRecord as error:
        raise BadInput(str(error)) from None
    except (KeyError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(
            f"record {path}: its cell has other keys than this version writes ({reason[:200]}); run its preset again"
        ) from None
    if (record["kind"], record["status"]) != ("quality", "done"):
        raise BadInput(
            f"record {path}: of a {record['kind']} cell with status {record['status']!r}; allowed: a quality cell with "
            "status 'done'"
        )
    return cell


def where_lost(quality: dict) -> list[str]:
    """Sentences on where quality is lost.

    quality: as in a record; its `reach` and `mismatch` are read, where they are there.
    """
    reach, mismatch = quality.get("reach") or {}, quality.get("mismatch") or {}
    sentences = []
    if reach.get("coverage") is not None:
        at = f" at {reach['nfe']} evaluations" if reach["nfe"] else ""
        sentences.append(
            f"{reach['graph']}{at}: one update differentiates {100 * reach['coverage']:.3g} % of the evaluations; for "
            f"{100 * reach['on_policy_reach']:.3g} % the input is the chain's own and the loss is on its end"
        )
    steps = mismatch.get("steps") or []
    sentences += [_of_single_links(steps), _of_the_chain(steps)] if len(steps) > 2 else []
    if mismatch.get("amplification") is not None:
        sentences.append(f"the chain's errors are {mismatch['amplification']:.3g} times those of its single links")
    elif mismatch.get("reason"):
        sentences.append(f"mismatch: {mismatch['reason']}")
    if (mismatch.get("start") or {}).get("from_noise") is False:
        sentences.append("WARNING: the chain does not start from noise, so its outputs are no samples")
    layers = [layer for layer in mismatch.get("layers") or [] if layer["shift"] > 2 * layer["floor"]]
    if layers:
        worst = max(layers, key=lambda layer: layer["shift"])
        sentences.append(
            f"layer {worst['layer']}: mean inputs while sampling differ by {worst['shift']:.2g} (root mean square over "
            "units) from those in training"
        )
    return sentences


def _of_single_links(steps: list[dict]) -> str:
    worst = max(steps[1:], key=lambda step: step["modular_error"])
    total = sum(max(step["modular_error"], 0.0) for step in steps[1:])
    share = f" ({100 * worst['modular_error'] / total:.0f} % of the sum over links)" if total > 0 else ""
    largest = f"{worst['modular_error']:.3g}{share}"
    return f"started from data, link {worst['step']} of {len(steps) - 1} has the largest error: {largest}"


def _of_the_chain(steps: list[dict]) -> str:
    growth = [after["cumulative_error"] - before["cumulative_error"] for before, after in pairwise(steps)]
    most = max(range(len(growth)), key=growth.__getitem__)
    where = f"grows most at link {most + 1}" if growth[most] > 0 else "falls at every link"
    end = f"{steps[-1]['cumulative_error']:.3g} (floor {steps[-1]['floor']:.2g})"
    return f"started from noise, the chain's error {where}; at the end it is {end}"


def lines(found: dict) -> str:
    """Tables for a terminal.

    found: as `diagnose` returns it.
    """
    quality = found["quality"]
    reach, mismatch = quality.get("reach") or {}, quality.get("mismatch") or {}
    parts = [found["record"] + (" (the code has changed since)" if found["code_changed"] else "")]
    parts.append(_table(quality["samples"], ("sampler", "nfe_asked", *SAMPLE), "quality of samples"))
    if quality.get("recognition"):
        keys = ("accuracy", "accuracy_ci_low", "accuracy_ci_high", "calibration_error", "knn_accuracy")
        parts.append(_table([quality["recognition"]], keys, "recognition"))
    rows = [
        {"graph": graph["graph"], "nfe": graph["nfe"]} | stage
        for graph in reach.get("graphs") or []
        for stage in graph["stages"]
        if stage["coverage"]
    ]
    parts.append(_table(rows, ("graph", "nfe", "stage", "weight", *STAGE), "reach, per stage"))
    title = f"mismatch along the chain of {mismatch.get('nfe')} evaluations ({mismatch.get('sampler')})"
    parts.append(_table(mismatch.get("steps") or [], ("step", *STEP, *RESIDUALS), title))
    keys = ("layer", "stage", "width", "trained_mean", "fed_mean", "shift", "floor")
    parts.append(_table(mismatch.get("layers") or [], keys, "mismatch by layer"))
    parts.append("\n".join(["where quality is lost", *(f"- {line}" for line in found["lost"])]))
    return "\n\n".join(part for part in parts if part)


def _table(rows: list[dict], columns: tuple[str, ...], title: str) -> str:
    if not rows:
        return ""
    table = [[row.get(column) for column in columns] for row in rows]
    return f"{title}\n" + tabulate(table, columns, "simple", floatfmt=".3g", missingval=DASH)
