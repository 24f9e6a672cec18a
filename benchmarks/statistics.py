"""Intervals and tests for shares and for paired predictions; declarations of the columns that state uncertainty."""

from __future__ import annotations

from scipy import stats

from benchmarks.columns import Column

TITLE = "Uncertainty"
COLUMNS = [
    Column(
        "fid_sd",
        unit="as the mean",
        direction=None,
        meaning="Standard deviation over training seeds of `fid`, `fid_ratio` and `accuracy`.",
        formula="sqrt(sum of squared deviations / (n - 1)) over seeds",
        source="definition",
        misleads="From three seeds it is itself uncertain by a factor of two.",
        also=("fid_ratio_sd", "accuracy_sd"),
        code="benchmarks/report/",
    ),
    Column(
        "fid_ci_low",
        unit="as the mean",
        direction=None,
        meaning="95 % confidence interval of the mean over training seeds.",
        formula="mean ± t(0.975, n - 1) sd / sqrt(n), with t the quantile of Student's distribution; the lower "
        "end is cut at 0, both ends at 0 and 1 for an accuracy",
        source="Student 1908",
        misleads="It assumes approximately normal seeds and is wide for few of them (t = 4.3 for three). It "
        "contains no variation of data sets, budgets or test splits. For accuracy, the interval for "
        "other test images is `accuracy_binomial_low`.",
        also=(
            "fid_ci_high",
            "fid_ratio_ci_low",
            "fid_ratio_ci_high",
            "fid2_ratio_ci_low",
            "fid2_ratio_ci_high",
            "accuracy_ci_low",
            "accuracy_ci_high",
            "squared_error_ci_low",
            "squared_error_ci_high",
        ),
        code="benchmarks/report/",
    ),
    Column(
        "sampling_sd",
        unit="as the FID ratio",
        direction=None,
        meaning="Standard deviation of the FID ratio over sampling seeds, for one trained network.",
        formula="sqrt(mean over networks of the variance over the first and the further draws of a network)",
        source="further draws with the first sampler at the NFEs of the curve",
        misleads="It is much smaller than the variation between training seeds. An interval from it alone would "
        "be too narrow.",
        head="sd, sampling",
        code="benchmarks/report/",
    ),
    Column(
        "accuracy_binomial_low",
        unit="share of test images",
        direction=None,
        meaning="95 % confidence interval of the mean accuracy for other test images and the same training.",
        formula="Wilson score interval of the mean accuracy, with n the number of test images of one seed (all "
        "seeds share them)",
        source="Wilson 1927",
        misleads="It is much too wide for the difference of two variants on the same images. `tables/mcnemar.csv` "
        "compares them image by image.",
        head="of another test split",
        style="percent",
        also=("accuracy_binomial_high",),
    ),
    Column(
        "fid_ratio_mde",
        unit="share of the mean",
        direction="lower",
        meaning="Minimum detectable effect: the smallest relative difference of two rows that can be detected "
        "given the noise between training seeds (for times: between launches).",
        formula="difference at which a two-sided 5 % t test of two means of n runs has a power of 80 % "
        "(non-central t), about (t(0.975) + t(0.8)) CV sqrt(2 / n); n of the row, CV (coefficient of "
        "variation) from the A/A study at the nearest NFE, the noisiest of its samplers",
        source="`results/reference/aa`, or the study given with `--aa`",
        misleads="The study has one generator and one recogniser at a smaller budget. A noisier variant needs a "
        "larger difference, which only its own interval shows. For times it holds on the computer of the "
        "study.",
        also=("fid2_ratio_mde", "accuracy_mde", "train_images_per_second_mde", "sample_ms_per_image_mde"),
        code="benchmarks/report/",
    ),
]


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """(low, high) of Wilson's score interval for a share, `successes` of `n`, at the confidence `level`.

    It stays within [0, 1] and has a width at 0 and n, where the normal approximation has none. Raises ValueError unless
    0 <= successes <= n and n > 0. Source: Wilson 1927.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes of {n}; allowed: 0 to n, n at least 1")
    interval = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(correct_a: str, correct_b: str) -> dict:
    """McNemar's exact test of two classifiers on the same images (McNemar 1947).

    correct_a, correct_b: one character per image, "1" where the classifier is correct, else "0".

    Returns b (images that only a gets right), c (only b), and the two-sided p_value of b against Binomial(b + c, 1/2),
    which is 1 where they never differ. Raises ValueError for strings of different length or with other characters.
    """
    if len(correct_a) != len(correct_b):
        raise ValueError(f"predictions on {len(correct_a)} and on {len(correct_b)} images are not paired")
    if set(correct_a + correct_b) - set("01"):
        raise ValueError("allowed in a string of predictions: 0 and 1")
    pairs = list(zip(correct_a, correct_b, strict=True))
    b, c = pairs.count(("1", "0")), pairs.count(("0", "1"))
    return {"b": b, "c": c, "p_value": float(stats.binomtest(b, b + c).pvalue) if b + c else 1.0}
