"""Readable tables of the comparison's quality, each about one question and no wider than a page."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report import marks
from benchmarks.report.caption import DASH, number, percent, plus_minus
from benchmarks.report.comparison import best
from benchmarks.report.intervals import detectable, half_shown
from benchmarks.report.sheet import Bold, Sheet, dense, detectable_line

INTERVALS = (
    "mean ± half the 95 % t interval over training seeds; bold: the best of its task at this NFE, where neither its "
    "interval nor any rival's holds the other's mean and the difference is detectable; =: not told apart from the best"
)
STUDY_N = (1, 3, 5, 10)
LARGE_TEST = 0.02  # width of an accuracy's binomial interval below which its second decimal means something


def by_nfe(rows: DataFrame, column: str, title: str) -> Sheet | None:
    """A FID ratio with its interval, one line a variant and sampler, one column an NFE; the last line is the MDE."""
    sampled = rows[rows[column].notna() | (rows.nfe.isna() & rows.status.ne("done") & rows.accuracy.isna())]
    if sampled[column].isna().all():
        return None
    nfes = sorted(sampled.nfe.dropna().unique())
    shown = _marked(sampled, column, plus_minus)
    lines = []
    for (variant, sampler), line in sampled.groupby(["variant", "sampler"], sort=False, dropna=False):
        at = {nfe: line.index[line.nfe == nfe] for nfe in nfes}
        cells = {f"{nfe:g} NFE": shown[at[nfe][0]] if len(at[nfe]) else DASH for nfe in nfes}
        lines.append({"variant": variant, "sampler": DASH if pd.isna(sampler) else sampler} | cells)
    lines += detectable_line({f"{nfe:g} NFE": sampled[sampled.nfe == nfe][f"{column}_mde"].max() for nfe in nfes})
    return Sheet(title, DataFrame(lines).fillna(""), (INTERVALS,))


def _marked(rows: DataFrame, column: str, write: Callable[[float, float], str], lowest: bool = True) -> Series:
    """The column as text: mean and interval, bold for the best and "=" for ties, by NFE and task."""
    values = DataFrame({"mean": rows[column], "low": rows[f"{column}_ci_low"], "high": rows[f"{column}_ci_high"]})
    values = values.assign(mde=rows[f"{column}_mde"], nfe=rows.nfe, task=rows.task)
    groups = values.groupby(["nfe", "task"], dropna=False)
    verdict = pd.concat([marks.verdicts(group, lowest) for _, group in groups])
    half = half_shown(values["mean"], values.low, values.high)
    text = {row: write(values["mean"][row], half[row]) for row in values.index}
    return Series({row: _mark(text[row], verdict[row]) for row in values.index}, dtype=object)


def _mark(text: str, verdict: str) -> str:
    return Bold(text) if verdict == marks.BEST else f"{text} {marks.TIE_SIGN}" if verdict == marks.TIE else text


def at_best(rows: DataFrame) -> Sheet | None:
    """Every quality instrument at the NFE with the lowest mean FID ratio, one line a variant and sampler."""
    lines = []
    for (variant, sampler), line in rows.dropna(subset="sampler").groupby(["variant", "sampler"], sort=False):
        top = best(line)
        if top is None:
            continue
        cells = {"variant": variant, "sampler": sampler, "NFE": f"{top.nfe:g}"}
        cells |= {"FID": number(top.fid), "bias": number(top.fid_bias), "ratio": number(top.fid_ratio)}
        cells |= {"sd, sampling": number(top.sampling_sd), "ratio 2": number(top.fid2_ratio)}
        cells["KID"] = plus_minus(top.kid, top.kid_se)
        cells |= {name: number(top[name]) for name in ("precision", "recall", "density", "coverage")}
        cells |= {"class distance": number(top.class_distance), "entropy": number(top.class_entropy)}
        cells |= {"label agreement": percent(top.label_agreement), "memorised": percent(top.memorisation)}
        cells["distance ratio"] = number(top.memorisation_ratio)
        lines.append(cells)
    notes = (
        "means over training seeds at the NFE whose mean FID ratio is the lowest of those listed, a choice made on the "
        "same numbers; KID ± its standard error",
        "bias: what the FID of this many samples of a perfect generator would exceed 0 by, to first order; "
        "sd, sampling: of the ratio over sampling seeds of one trained network",
        "memorised: share of samples nearer to a training image than the median held-out image, 50 % is like new data; "
        "distance ratio: mean distance to the nearest training image over that of held-out images",
    )
    return Sheet("Samples at the best NFE", dense(lines), notes) if lines else None


def recognition(rows: DataFrame) -> Sheet | None:
    """Accuracy with both intervals, and the other instruments of recognisers and of models with a likelihood."""
    known = rows.accuracy.notna() | rows.ais.notna()
    rows = rows[known].drop_duplicates("variant").assign(nfe=float("nan"))
    if rows.empty:
        return None
    widths = rows.accuracy_binomial_high - rows.accuracy_binomial_low
    digits = 2 if widths.max() < LARGE_TEST else 1
    shown = _marked(rows, "accuracy", lambda mean, half: percent(mean, digits, half), lowest=False)
    lines = [
        {
            **{"variant": row.variant, "accuracy": shown[row.Index]},
            "of another test split": _range(row.accuracy_binomial_low, row.accuracy_binomial_high, digits),
            "calibration error": percent(row.calibration_error),
            **{"linear probe": percent(row.linear_probe_accuracy), "kNN": percent(row.knn_accuracy)},
            "log-likelihood, nats": number(row.ais),
            "bracket": DASH if pd.isna(row.ais_low) else f"{number(row.ais_low)} to {number(row.ais_high)}",
            "exact": number(row.log_likelihood_exact),
        }
        for row in rows.itertuples()
    ]
    lines += detectable_line({"accuracy": rows.accuracy_mde.max()}, 2)
    notes = (
        INTERVALS.replace(" at this NFE", ""),
        "of another test split: Wilson's 95 % interval of the mean accuracy for the test images of one seed",
    )
    likelihood = (
        "log-likelihood: of binary pixels, by annealed importance sampling, bracketed from both directions; of a "
        "stack of RBMs it is the variational bound; exact: the log-likelihood itself where it can be enumerated",
    )
    return Sheet("Recognition", dense(lines), notes + (likelihood if rows.ais.notna().any() else ()))


def reconstruction(rows: DataFrame) -> Sheet | None:
    """What models make of test images that they have seen: no sample, and so in no table of FIDs."""
    rows = rows[rows.squared_error.notna()].drop_duplicates("variant")
    if rows.empty:
        return None
    half = half_shown(rows.squared_error, rows.squared_error_ci_low, rows.squared_error_ci_high)
    lines = [
        {"variant": row.variant, "paradigm": row.title, "squared error": plus_minus(row.squared_error, width)}
        for row, width in zip(rows.itertuples(), half, strict=True)
    ]
    note = (
        "mean over test images of the squared error summed over pixels in [0, 1], ± half the 95 % t interval over "
        "seeds; one pass up and down, started at the data, so it says nothing of what a chain draws from noise"
    )
    return Sheet("Reconstruction", DataFrame(lines), (note,))


def mcnemar(pairs: DataFrame) -> Sheet | None:
    """Which recognisers differ on the same test images."""
    if pairs.empty:
        return None
    lines = [
        {
            "pair": f"{pair.variant_a} against {pair.variant_b}",
            "difference": f"{100 * pair.accuracy_difference:+.2f} %",
            **{"only the first right": number(pair.only_a_right), "only the second": number(pair.only_b_right)},
            **{"p": number(pair.p_value), "p, Holm": number(pair.p_value_holm)},
        }
        for pair in pairs.itertuples()
    ]
    note = (
        f"McNemar's exact test on each of {pairs.n_seeds.max()} training seeds; images are means over seeds; p is "
        "twice the median of the seeds' p values (at most 1); Holm: corrected for the number of pairs"
    )
    return Sheet("Recognisers on the same test images", DataFrame(lines), (note,))


def reach(rows: DataFrame) -> Sheet | None:
    """How much of the inference graph an update sees, and what local training costs along the chain."""
    rows = rows.drop_duplicates("variant")
    columns = {
        **{"reach": "on-policy reach", "reach_coverage": "coverage", "flops_weighted_reach": "by FLOPs"},
        **{"credit_length": "credit length", "effective_reach": "effective", "mismatch_amplification": "amplification"},
    }
    if rows[[*columns]].isna().all(axis=None):
        return None
    lines = []
    for _, row in rows.iterrows():
        cells = {"variant": row.variant} | {title: number(row[name]) for name, title in columns.items()}
        if pd.isna(row.mismatch_amplification) and isinstance(row.mismatch_reason, str):
            cells["amplification"] = f"{DASH} ({row.mismatch_reason})"
        lines.append(cells)
    notes = (
        "reach: share of the links of the inference chain that one update evaluates on their own inference input and "
        "that get gradient from the loss; coverage: the same on any input; credit length: links in the longest path",
        "amplification: sum of the errors accumulated along the chain over the sum of those that each step makes "
        "alone; above 1 they build up",
    )
    return Sheet("Gradient reach and train/inference mismatch", dense(lines), notes)


def _range(low: float, high: float, digits: int) -> str:
    return DASH if pd.isna(low) else f"{100 * low:.{digits}f} to {100 * high:.{digits}f} %"


def study(rows: DataFrame) -> Sheet:
    """An A/A study: the noise of each headline column, what it lets one see, and whether the two arms agree."""
    lines = []
    for row in rows.itertuples():
        sees = {f"detectable, n = {n}": percent(detectable(row.cv, n, row.n - 1)) for n in STUDY_N}
        about = {"column": row.column, "variant": row.variant, "sampler": DASH if pd.isna(row.sampler) else row.sampler}
        about |= {"NFE": DASH if pd.isna(row.nfe) else f"{row.nfe:g}", "runs": f"{row.n}", "mean": number(row.mean)}
        low, high = 100 * row.difference_ci_low, 100 * row.difference_ci_high
        arms = {"B from A": f"{100 * row.difference:+.1f} %", "95 % interval": f"{low:+.1f} to {high:+.1f} %"}
        lines.append(about | {"CoV": percent(row.cv, 2)} | sees | arms | {"inside": "yes" if row.inside else "NO"})
    outside = int((~rows.inside.astype(bool)).sum())
    notes = (
        "runs: training seeds, for times launches of a process; arms: even repetitions against odd; CoV: sd / mean",
        "detectable: the smallest relative difference of two means of n runs each that a two-sided 5 % test finds 80 "
        "times of 100",
        f"inside: whether the interval of the arms' difference holds 0; {outside} of {len(rows)} do not, where one in "
        "twenty would not by chance if they were independent, which rows of the same runs are not",
        f"machine: {', '.join(sorted(set(rows.machine)))}",
    )
    return Sheet("A/A: the same code twice", DataFrame(lines), notes)


def trials(rows: DataFrame) -> Sheet:
    """One line a variant and trial: what was found on the validation split, mean over seeds, and how often it won."""
    kinds = {"validation_accuracy": lambda mean: percent(mean, 2), "validation_fid": number}
    found = {name: show for name, show in kinds.items() if rows[name].notna().any()}
    lines = [
        {
            **{"variant": variant, "trial": changes.strip("{}").replace('"', "")},
            **{name.replace("_", " "): show(group[name].mean()) for name, show in found.items()},
            "finished": f"{(group.status == 'done').sum()} of {len(group)}",
            "chosen": f"{group.chosen.sum()}",
        }
        for (variant, _, changes), group in rows.groupby(["variant", "trial", "changes"], sort=False)
    ]
    note = (
        "mean over training seeds; of each seed the trial that is best on the validation split, by its accuracy or "
        "else its lowest FID, is in all other tables"
    )
    return Sheet("Trials", DataFrame(lines), (note,))
