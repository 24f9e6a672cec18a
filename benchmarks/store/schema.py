"""What a record has to look like: the types of what the report reads, checked once when a record is read.

A part that a cell did not get to may be absent or null, and so may a number that was not finite. Other keys are
allowed, so that a later version's records, and columns that a plug-in adds, can be read.
"""

from __future__ import annotations

import reprlib
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from benchmarks.errors import one_line
from benchmarks.store.saved import FileName, Flag, FolderName, Number, Saved, SavedCost, Text
from benchmarks.store.saved_quality import SavedQuality

SamplesFile = Annotated[str, Field(pattern=r"^samples/[^/\\\x00-\x1f]{1,250}\.npz$")]
Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]
SHORT = reprlib.Repr()
SHORT.maxlist = SHORT.maxdict = 2


class SavedCell(Saved):
    """The settings of the cell, as far as the report reads them by name."""

    variant: FileName
    dataset: FileName
    repetition: int
    preset: Text = None
    paradigm: Text = None
    title: Text = None
    series: Text = None
    era: Text = None
    task: Text = None
    options: dict[str, Any] | None = None
    changes: dict[str, Any] | None = None
    trial: int | None = None
    seed: int | None = None
    nfe: list[int] | None = None
    budget_flops: Number = None
    device: Text = None
    threads: int | None = None
    devices: int | None = None
    ancestor: FolderName | None = None


class SavedProvenance(Saved):
    """Where the numbers were made."""

    commit: Text = None
    dirty: Flag = None
    cpu_model: Text = None
    cpu_count: int | None = None
    gpu_model: Text = None
    threads: int | None = None
    precision: Text = None
    tf32_matmul: Flag = None
    tf32_cudnn: Flag = None
    exclusive: Flag = None
    timestamp_utc: Text = None


class SavedStage(SavedCost):
    """One stage of training with its loss curve, pairs of update and loss."""

    name: str
    flops: float
    flops_once: Number = None
    updates: int
    batch_size: int | None = None
    loss_curve: list[Pair] | None = None


class SavedTraining(SavedCost):
    """What training has cost. charged: what its FLOPs count; absent where that is loss and gradient alone."""

    charged: Text = None
    n_parameters: int | None = None
    stages: list[SavedStage] | None = None


class SavedTimedStage(Saved):
    """What an update of one stage costs."""

    name: Text = None
    batch_size: int = 0
    updates: int = 0
    step_seconds_median: float = 0.0
    end_to_end_images_per_second: Number = None
    mfu: Number = None
    energy_joules_per_image: Number = None


class SavedTimedSample(Saved):
    """What a sample of one sampler at one NFE costs."""

    sampler: str
    nfe: float
    sample_ms_per_image: Number = None
    sample_images_per_second: Number = None
    latency_ms_batch1: Number = None
    latency_p50_ms: Number = None
    latency_p90_ms: Number = None
    sampler_efficiency: Number = None
    flops_per_sample: Number = None
    peak_sample_bytes: Number = None
    mfu: Number = None
    energy_joules_per_image: Number = None
    warmup_seconds: Number = None
    reference_ratio: Number = None
    round_seconds: list[float] | None = None
    latency_round_seconds: list[float] | None = None


class SavedTiming(Saved):
    """What was timed."""

    exclusive: Flag = None
    flags: list[str] | None = None
    train_images_per_second: Number = None
    matmul_peak_flops_per_second: Number = None
    convolution_peak_flops_per_second: Number = None
    peak_init_bytes: Number = None
    peak_train_bytes: Number = None
    peak_evaluate_bytes: Number = None
    stages: list[SavedTimedStage] | None = None
    samples: list[SavedTimedSample] | None = None


class SavedRecord(Saved):
    """A whole record. Schema 1 is from before a cell had one key for training and one for scoring."""

    schema_: Annotated[Literal[1, 2], Field(alias="schema")]
    kind: Literal["quality", "training", "timing"]
    key: str
    status: Literal["done", "failed", "timeout", "oom", "non_finite", "interrupted"]
    reason: Text = None
    samples_file: SamplesFile | None = None
    trained: FolderName | None = None
    cell: SavedCell
    provenance: SavedProvenance | None = None
    training: SavedTraining | None = None
    quality: SavedQuality | None = None
    timing: SavedTiming | None = None


def problem(record: object) -> str | None:
    """The first place at which a parsed record does not fit, with its value and what is allowed, in one line; None
    where it fits."""
    try:
        SavedRecord.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place, wanted = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Input should be ")
        wanted = wanted.partition(" or instance of ")[0]
        if first["type"] == "missing":
            return f"{place} is missing"
        return one_line(f"{place or 'record'} = {SHORT.repr(first['input'])}; it must be: {wanted}")
    except RecursionError:
        return "nested too deeply"
    return None
