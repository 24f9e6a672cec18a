"""Intervals and tests for shares and for paired predictions; pure functions of numbers, without torch."""

from __future__ import annotations

from scipy import stats


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """(low, high): Wilson's score interval of a share, `successes` of `n` (Wilson 1927).

    Within [0, 1] and sensible at 0 and n, where the textbook interval has no width. Raises ValueError unless
    0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes of {n}; allowed: 0 to n, n at least 1")
    interval = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(correct_a: str, correct_b: str) -> dict:
    """McNemar's exact test of two classifiers on the same images (McNemar 1947).

    correct_a, correct_b: one character an image, "1" where the classifier is right, else "0". Returns b (only a is
    right), c (only b is right) and the two-sided p_value of b against Binomial(b + c, 1/2); 1 where they never differ.
    Raises ValueError for strings of different length or with other characters.
    """
    if len(correct_a) != len(correct_b):
        raise ValueError(f"predictions on {len(correct_a)} and on {len(correct_b)} images are not paired")
    if set(correct_a + correct_b) - set("01"):
        raise ValueError("allowed in a string of predictions: 0 and 1")
    pairs = list(zip(correct_a, correct_b, strict=True))
    b, c = pairs.count(("1", "0")), pairs.count(("0", "1"))
    return {"b": b, "c": c, "p_value": float(stats.binomtest(b, b + c).pvalue) if b + c else 1.0}
