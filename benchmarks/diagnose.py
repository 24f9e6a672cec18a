"""After the fact: quality, reach and mismatch of a trained cell, from its weights, and where its quality is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from tabulate import tabulate

from benchmarks.errors import BadInput
from benchmarks.plan.cell import Cell
from benchmarks.plan.fingerprint import code_hash
from benchmarks.plan.preflight import resolve
from benchmarks.score.scoring import Scoring
from benchmarks.store import records
from benchmarks.worker import open_job
from paradigms import source

DASH = "-"
STAGE = ("coverage", "on_policy_reach", "credit_length", "flops_weighted_reach", "effective_reach")
STEP = ("norm_ratio", "variance_error", "cumulative_error", "floor", "modular_error", "two_sample_accuracy")
RESIDUALS = ("off_policy_residual", "on_policy_residual")
SAMPLE = ("fid_ratio", "fid2_ratio", "kid", "precision", "recall", "memorisation", "label_agreement")


def diagnose(path: Path, device: str = "auto", data_dir: Path | None = None) -> dict:
    """Score the weights of a quality cell again: {"record", "weights", "code_changed", "quality", "lost"}.

    path: the cell's record, cells/STEM.json of a results folder, or its weights, weights/STEM.safetensors. Raises
    BadInput, one line, for anything that is not a finished quality cell whose weights fit its paradigm.
    """
    record_path, weights_path = _places(path)
    cell = _cell(record_path, resolve(device))
    if not weights_path.is_file():
        raise BadInput(f"weights {weights_path}: no such file; running the cell again writes it")
    job = open_job(cell, record_path.parent.parent, {"data_dir": data_dir})
    if job.dataset.hash != cell.data_hash:
        raise BadInput(f"record {record_path}: made with other data than {cell.dataset} is here (their hashes differ)")
    paradigm = job.build()
    try:
        paradigm.load_state_dict(load_file(weights_path, device=str(job.device)))
    except (RuntimeError, SafetensorError, OSError) as error:
        said = " ".join(str(error).split())
        raise BadInput(f"weights {weights_path}: do not fit paradigm {cell.paradigm}: {said[:200]}") from None
    quality = Scoring(job, paradigm.requires_grad_(False)).full_scores()
    changed = code_hash(source(cell.paradigm)) != cell.code_hash
    places = {"record": str(record_path), "weights": str(weights_path)}
    return places | {"code_changed": changed, "quality": quality, "lost": where_lost(quality)}


def _places(path: Path) -> tuple[Path, Path]:
    """The record and the weights of a cell, from either."""
    folders = {".json": ("cells", "weights", ".safetensors"), ".safetensors": ("weights", "cells", ".json")}
    if path.suffix not in folders:
        raise BadInput(
            f"{path}: neither a record (cells/*.json) nor weights (weights/*.safetensors) of a results folder"
        )
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    _, other, suffix = folders[path.suffix]
    twin = path.resolve().parent.parent / other / f"{path.stem}{suffix}"
    return (path, twin) if path.suffix == ".json" else (twin, path)


def _cell(path: Path, device: str) -> Cell:
    if not path.is_file():
        raise BadInput(f"record {path}: no such file; weights are scored by the settings of their record")
    try:
        record = records.read(path)
        described = {name: record["cell"][name] for name in Cell.model_fields}
        cell = Cell.model_validate(described | {"device": device})
    except records.DamagedRecord as error:
        raise BadInput(str(error)) from None
    except (KeyError, ValidationError) as error:
        said = " ".join(str(error).split())
        raise BadInput(f"record {path}: its cell is not as this version writes it: {said[:200]}") from None
    if (record["kind"], record["status"]) != ("quality", "done"):
        raise BadInput(f"record {path}: a {record['kind']} cell that is {record['status']}; allowed: quality, done")
    return cell


def where_lost(quality: dict) -> list[str]:
    """Sentences on where quality is lost, from the numbers alone."""
    reach, mismatch = quality.get("reach") or {}, quality.get("mismatch") or {}
    said = []
    if reach.get("coverage") is not None:
        at = f" at {reach['nfe']} evaluations" if reach["nfe"] else ""
        said.append(
            f"{reach['graph']}{at}: an update differentiates {100 * reach['coverage']:.3g} % of the evaluations, "
            f"{100 * reach['on_policy_reach']:.3g} % on their own input by a loss on the end"
        )
    steps = mismatch.get("steps") or []
    if len(steps) > 2:
        worst = max(steps[1:], key=lambda step: step["modular_error"])
        total = sum(max(step["modular_error"], 0.0) for step in steps[1:])
        share = f" ({100 * worst['modular_error'] / total:.0f} % of all links')" if total > 0 else ""
        said.append(
            f"from data, link {worst['step']} of {len(steps) - 1} errs most: {worst['modular_error']:.3g}{share}"
        )
        growth = [after["cumulative_error"] - before["cumulative_error"] for before, after in pairwise(steps)]
        most = max(range(len(growth)), key=growth.__getitem__)
        where = (
            f"leaves the data's states most at link {most + 1}" if growth[most] > 0 else "comes nearer at every link"
        )
        end = steps[-1]
        said.append(
            f"from noise, the chain {where}; it ends {end['cumulative_error']:.3g} away, floor {end['floor']:.2g}"
        )
    if mismatch.get("amplification") is not None:
        said.append(f"errors of the chain are {mismatch['amplification']:.3g} times those of its single links")
    elif mismatch.get("reason"):
        said.append(f"mismatch: {mismatch['reason']}")
    if (mismatch.get("start") or {}).get("from_noise") is False:
        said.append("WARNING: the chain does not start from noise; its samples are no samples")
    layers = [layer for layer in mismatch.get("layers") or [] if layer["shift"] > 2 * layer["floor"]]
    if layers:
        worst = max(layers, key=lambda layer: layer["shift"])
        said.append(
            f"layer {worst['layer']} is fed codes {worst['shift']:.2g} off those it was trained on (unit means)"
        )
    return said


def lines(found: dict) -> str:
    """What `diagnose` found, as tables for a terminal."""
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
