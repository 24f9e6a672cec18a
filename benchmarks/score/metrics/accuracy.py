"""Recognition of test images: outputs of a paradigm, accuracy with its interval, and calibration."""

from __future__ import annotations

from torch import Tensor
from torchmetrics.functional.classification import multiclass_calibration_error

from benchmarks.columns import Column
from benchmarks.score.contract import outputs
from benchmarks.statistics import wilson

N_BINS = 15

TITLE = "Recognition"
COLUMNS = [
    Column(
        "accuracy",
        unit="share of test images",
        direction="higher",
        meaning="Share of test images that are classified correctly. This is the headline number of recognition.",
        formula="correct test images / n_test",
        source="counted",
        misleads="On a small test split, one percent is a handful of images (3.6 of 360 on `digits`).",
        head="accuracy",
        style="percent",
    ),
    Column(
        "calibration_error",
        unit="share",
        direction="lower",
        meaning="Expected calibration error: mean difference between the confidence of the classifier and its "
        "accuracy.",
        formula="sum over 15 equal bins of the largest softmax probability of (share of images in the bin) |mean "
        "confidence - accuracy in the bin|",
        source="Guo et al. 2017, equation 3, by torchmetrics",
        misleads="It is biased upwards on few images. A constant guess at the class frequencies is perfectly "
        "calibrated and useless.",
        head="calibration error",
        style="percent",
    ),
]


def accuracy(paradigm, images: Tensor, labels: Tensor) -> float:
    """Share of uint8 images (N, C, H, W) whose largest logit is their label (N,); `paradigm` is in eval mode."""
    return int((outputs(paradigm, "logits", images).argmax(1) == labels.cpu()).sum()) / len(labels)


def recognition(logits: Tensor, labels: Tensor) -> dict:
    """Accuracy with Wilson's 95 % interval over the images, calibration error, and which images were right.

    logits: (N, n_classes). labels: (N,), int64.

    calibration_error: expected calibration error over 15 equal bins of the largest softmax probability (Guo et al.
    2017). correct: a string with "1" or "0" per image, for McNemar's paired test.
    """
    correct = logits.argmax(1) == labels
    low, high = wilson(int(correct.sum()), len(labels))
    error = multiclass_calibration_error(logits.double().softmax(1), labels, logits.shape[1], N_BINS, norm="l1")
    return {
        "accuracy": int(correct.sum()) / len(labels),
        "n_test": len(labels),
        "accuracy_ci_low": low,
        "accuracy_ci_high": high,
        "calibration_error": float(error),
        "correct": "".join("1" if hit else "0" for hit in correct.tolist()),
    }
