"""Classifiers on frozen features: a linear probe and k nearest neighbours.

Settings are the same for every paradigm. Both classifiers are fitted to the same training rows, at most 5,000, and
their accuracy is measured on the test split.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from benchmarks.columns import Column

MAX_ROWS = 5000
SEED = 2012
NEIGHBOURS = 5

TITLE = "Recognition"
COLUMNS = [
    Column(
        "linear_probe_accuracy",
        unit="share of test images",
        direction="higher",
        meaning="Test accuracy of a logistic regression on the frozen features of the trained network.",
        formula="L2-regularised with C = 1, at most 300 iterations, on standardised features of at most 5,000 "
        "training images",
        source="scikit-learn; linear probes: Alain and Bengio 2017",
        misleads="Features of a network that was trained on labels contain the labels. The number says what can "
        "be read from the features, not what was learned without labels.",
        head="linear probe",
        style="percent",
    ),
    Column(
        "knn_accuracy",
        unit="share of test images",
        direction="higher",
        meaning="Test accuracy of the vote of the 5 nearest training images in the frozen features of the trained "
        "network.",
        formula="Euclidean distance of the features as they are; at most 5,000 training images",
        source="scikit-learn",
        misleads="It depends on the scale of the features, which a linear probe does not.",
        head="kNN",
        style="percent",
    ),
]


def probe_rows(n: int) -> np.ndarray:
    """Indices of the training rows, out of n, that the probes are fitted to: all, or a fixed choice of 5,000."""
    return np.sort(np.random.RandomState(SEED).permutation(n)[:MAX_ROWS])


def probe(train: Tensor, labels: np.ndarray, test: Tensor, test_labels: np.ndarray) -> dict[str, float]:
    """{"linear_probe_accuracy", "knn_accuracy"} on the test rows.

    train, test: features (N, D) and (M, D). labels, test_labels: (N,) and (M,).
    """
    fitted, tested = (train.double().numpy(), labels), (test.double().numpy(), test_labels)
    return {"linear_probe_accuracy": linear_accuracy(*fitted, *tested), "knn_accuracy": knn_accuracy(*fitted, *tested)}


def linear_accuracy(train: np.ndarray, labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """Test accuracy of an L2-regularised logistic regression: C = 1, at most 300 iterations of L-BFGS, on features that
    are standardised over the training rows."""
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of iterations is part of the definition
        return float(regression.fit(train, labels).score(test, test_labels))


def knn_accuracy(train: np.ndarray, labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """Test accuracy of the vote of the 5 nearest training rows, by Euclidean distance of the features as they are."""
    return float(KNeighborsClassifier(NEIGHBOURS, algorithm="brute").fit(train, labels).score(test, test_labels))
