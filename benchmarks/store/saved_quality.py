"""The part `quality` of a record: what was scored."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from benchmarks.store.saved import Number, Saved, SavedCost, Text


class SavedSample(Saved):
    """Scores of the samples of one sampler at one NFE."""

    sampler: str
    nfe: float
    nfe_asked: Number = None
    n_samples: int | None = None
    fid: Number = None
    fid_extractor: Text = None
    fid_floor: Number = None
    fid_ratio: Number = None
    fid_bias: Number = None
    fid2: Number = None
    fid2_extractor: Text = None
    fid2_floor: Number = None
    fid2_ratio: Number = None
    kid: Number = None
    kid_se: Number = None
    precision: Number = None
    recall: Number = None
    density: Number = None
    coverage: Number = None
    class_distance: Number = None
    class_entropy: Number = None
    label_agreement: Number = None
    memorisation: Number = None
    memorisation_ratio: Number = None
    validation_fid: Number = None
    flops_per_sample: Number = None
    seconds: Number = None


class SavedPoint(SavedCost):
    """Scores at a moment along training."""

    accuracy: Number = None
    samples: list[SavedSample] | None = None


class SavedDraws(Saved):
    """FID ratios of further draws of samples with other seeds."""

    sampler: str
    nfe_asked: float
    fid_ratios: list[Number] | None = None


class SavedLayer(Saved):
    """Signals of one layer."""

    gradient_norm: Number
    saturated: Number = None


class SavedSignals(Saved):
    """Signals of the layers at a moment of training."""

    layers: Annotated[list[SavedLayer], Field(min_length=1)]


class SavedRecognition(Saved):
    """Scores of a recogniser. correct: a digit 0 or 1 per test image."""

    accuracy: Number = None
    accuracy_ci_low: Number = None
    accuracy_ci_high: Number = None
    calibration_error: Number = None
    linear_probe_accuracy: Number = None
    knn_accuracy: Number = None
    n_test: int | None = None
    correct: Text = None


class SavedReach(Saved):
    """How much of the inference graph the training loss differentiates through."""

    coverage: Number = None
    on_policy_reach: Number = None
    credit_length: Number = None
    flops_weighted_reach: Number = None
    effective_reach: Number = None
    natural_nfe: int | None = None


class SavedMismatch(Saved):
    """How far states during inference are from those during training."""

    amplification: Number = None
    reason: Text = None
    steps: list[dict[str, Any]] | None = None
    layers: list[dict[str, Any]] | None = None


class SavedLikelihood(Saved):
    """Mean log-likelihood in nats per image."""

    ais: Number = None
    ais_low: Number = None
    ais_high: Number = None
    exact: Number = None


class SavedReconstruction(Saved):
    """Error of reconstructed images."""

    squared_error: Number = None


class SavedQuality(Saved):
    """What was scored."""

    accuracy: Number = None
    n_test: int | None = None
    validation_accuracy: Number = None
    validation_fid: Number = None
    samples: list[SavedSample] | None = None
    curve: list[SavedPoint] | None = None
    sampling_noise: list[SavedDraws] | None = None
    signals: list[SavedSignals] | None = None
    recognition: SavedRecognition | None = None
    reach: SavedReach | None = None
    mismatch: SavedMismatch | None = None
    likelihood: SavedLikelihood | None = None
    reconstruction: SavedReconstruction | None = None
