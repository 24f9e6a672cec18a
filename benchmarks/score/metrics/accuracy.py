"""Recognition of test images: predictions once, and what is read off them."""

from __future__ import annotations

from torch import Tensor
from torchmetrics.functional.classification import multiclass_calibration_error

from benchmarks.inference import outputs
from benchmarks.statistics import wilson

N_BINS = 15


def accuracy(paradigm, images: Tensor, labels: Tensor) -> float:
    """Share of uint8 images (N, C, H, W) whose largest logit is their label (N,); `paradigm` is in eval mode."""
    return int((outputs(paradigm, "logits", images).argmax(1) == labels.cpu()).sum()) / len(labels)


def recognition(logits: Tensor, labels: Tensor) -> dict:
    """Accuracy with Wilson's 95 % interval over the images, calibration error, and which images were right.

    logits (N, n_classes), labels (N,). calibration_error: expected difference of confidence and accuracy over 15 equal
    bins of the largest softmax (Guo et al. 2017). correct: "1" or "0" an image, for McNemar's paired test.
    """
    right = logits.argmax(1) == labels
    low, high = wilson(int(right.sum()), len(labels))
    error = multiclass_calibration_error(logits.double().softmax(1), labels, logits.shape[1], N_BINS, norm="l1")
    return {
        "accuracy": int(right.sum()) / len(labels),
        "n_test": len(labels),
        "accuracy_ci_low": low,
        "accuracy_ci_high": high,
        "calibration_error": float(error),
        "correct": "".join("1" if hit else "0" for hit in right.tolist()),
    }
