"""The cells that a preset asks for: variants x data sets x repetitions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import paradigms
from benchmarks.errors import BadInput
from benchmarks.plan.cell import Cell
from benchmarks.plan.fingerprint import code_hash
from benchmarks.plan.preset import Budget, Preset, Variant


def cells(preset: Preset, device: str, data_hashes: Mapping[str, str]) -> list[Cell]:
    """The cells of a preset on a device: quality cells, repetition by repetition, then timing cells, launch by launch.

    data_hashes: data set -> hash of its arrays. Raises BadInput where a paradigm does not say its task.
    """
    found: list[Cell] = []
    codes = {name: code_hash(paradigms.source(v.paradigm)) for name, v in preset.variants.items()}
    for kind, repetitions in (("quality", preset.seeds), ("timing", preset.timing_launches)):
        for repetition in range(repetitions):
            for dataset in preset.datasets:
                seed = _seed(preset.base_seed, dataset, repetition)
                hashes = {"data_hash": data_hashes[dataset]}
                place = {"kind": kind, "dataset": dataset, "repetition": repetition, "seed": seed, "device": device}
                trained: dict[str, Cell] = {}  # variant -> its cell here
                for name, variant in preset.variants.items():
                    if dataset not in (variant.datasets or preset.datasets) or (kind == "timing" and not variant.timed):
                        continue
                    settings = _settings(preset, variant, dataset) | hashes | {"code_hash": codes[name]}
                    if variant.init_from and kind == "quality":
                        settings["ancestor"] = trained[variant.init_from].stem
                    trials = list(enumerate(variant.trials)) or [(None, {})]
                    # Trials differ in how well they learn, not in how fast; so one of them is timed.
                    for number, changes in trials if kind == "quality" else trials[:1]:
                        trial = number if kind == "quality" else None
                        found.append(Cell(variant=name, trial=trial, changes=changes, **place, **settings))
                        trained[name] = found[-1]
    return found


def _settings(preset: Preset, variant: Variant, dataset: str) -> dict:
    budget = getattr(preset.budget_flops, task(variant.paradigm))
    shared = {"threads", "limit_seconds", "timing_seconds"}  # that the preset's cells have in common
    shared |= {"curve_points", "curve_nfe", "sample_batch", "extractors", "compute"}
    return preset.model_dump(include=shared) | {
        "preset": preset.name,
        **variant.model_dump(include={"paradigm", "series", "options", "samplers", "nfe_of"}),
        "title": variant.title or variant.series,
        "nfe": variant.nfe or preset.nfe,
        "scores": variant.scores or preset.scores,
        "n_samples": None if preset.n_samples == "train" else preset.n_samples,
        "budget_flops": budget * variant.budget * preset.budget_of.get(dataset, 1.0),
    }


def task(paradigm: str) -> str:
    """The task that decides a paradigm's budget, read without importing it; BadInput if its file does not say."""
    allowed = list(Budget.model_fields)
    found = paradigms.facts(paradigm).get("task")
    if found not in allowed:
        where = paradigms.source(paradigm)
        raise BadInput(f"paradigm file {where}: class fact task = {found!r}; allowed: {', '.join(allowed)}")
    return found


def _seed(*parts: object) -> int:
    # The paradigm is no part: all variants see the same data order and noise, so comparisons are paired.
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
