"""The glossary of the page: an entry for every head of a column, from the declarations of `benchmarks.columns`."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from benchmarks import columns
from benchmarks.columns import BETTER, Column


class Explanation(NamedTuple):
    """id: of its place on the page. title: what it is about. facts: (name, sentence), the meaning first."""

    id: str
    title: str
    facts: tuple[tuple[str, str], ...]


# Heads of readable tables -> the declared column that explains them.
DECLARED = {
    **{"FID": "fid", "bias": "fid_bias", "ratio": "fid_ratio", "FID ratio": "fid_ratio", "ratio 2": "fid2_ratio"},
    **{"FID ratio 2": "fid2_ratio", "sd, sampling": "sampling_sd", "KID": "kid", "entropy": "class_entropy"},
    **{"memorised": "memorisation", "distance ratio": "memorisation_ratio", "train FLOPs": "train_flops"},
    **{"training FLOPs": "train_flops", "train s": "train_seconds", "images/s, step": "train_images_per_second"},
    **{"images/s, end to end": "train_end_to_end_images_per_second", "MiB init": "peak_init_bytes"},
    **{"MiB train": "peak_train_bytes", "MiB evaluate": "peak_evaluate_bytes", "MiB": "peak_sample_bytes"},
    **{"J/image": "energy_joules_per_image", "MFU": "mfu", "ms/image": "sample_ms_per_image"},
    **{"latency p50, ms": "latency_p50_ms", "p90, ms": "latency_p90_ms", "efficiency": "sampler_efficiency"},
    **{"FLOPs/sample": "flops_per_sample", "warm-up s": "warmup_seconds", "on-policy reach": "reach"},
    **{"by FLOPs": "flops_weighted_reach", "effective": "effective_reach", "amplification": "mismatch_amplification"},
    **{"coverage": "coverage", "credit length": "credit_length", "calibration error": "calibration_error"},
    **{"linear probe": "linear_probe_accuracy", "kNN": "knn_accuracy", "log-likelihood, nats": "ais"},
    **{"bracket": "ais_low", "exact": "log_likelihood_exact", "squared error": "squared_error", "status": "status"},
    **{"over test splits": "accuracy_binomial_low", "seeds": "n_seeds", "sampler": "sampler", "NFE": "nfe"},
    **{"task": "task", "era": "era", "data set": "dataset", "variant": "variant", "method": "variant"},
    **{"paradigm": "paradigm", "marks": "marks", "extractor": "fid_extractor", "reason": "reason"},
    **{"95 % interval": "fid_ratio_ci_low", "low": "fid_ratio_ci_low", "high": "fid_ratio_ci_high"},
}
# Heads without a column in the records, in words.
OWN = {
    "significance": "What the mean says against the best one of the same data set and number of evaluations. best: "
    "significantly different from every other one. tie: not significantly different from the best (neither interval "
    "excludes it, or the difference is below the smallest detectable one). worse: significantly different from it.",
    "highest": "Method with the highest mean accuracy.",
    "lowest": "Method with the lowest mean FID ratio at the row's number of evaluations.",
    "different from all others?": "Whether the best mean differs significantly from every other one: neither 95 % "
    "interval includes the other's mean, and the difference is at least the smallest detectable one.",
    "methods compared": "Number of methods that the best one is the best of; not all are sampled with every number of "
    "evaluations.",
    "by the second network": "Method with the lowest mean FID ratio by the second scoring network.",
    "views": "What three ways of scoring say of an order: the first network, the second, and random features, "
    "which saw no image. A fact by three views: all three intervals exclude 1 on one side.",
    "record": "File of the record in the results folder from which the number is read; one per training seed.",
    "records": "Number of the method's records, those of kind timing included.",
    "first record": "File of the record of its first training seed.",
    "commit": "Version of the code that made the record; 'modified' where files differed from that version.",
    "machine": "Computer that made the record.",
    "versions": "Versions of Python and of the libraries that made the record.",
    "date": "Time at which the record was made, UTC.",
    "kind": "quality: a network is trained and scored. timing: its cost is measured. "
    "A cell is one of these, once per seed.",
    "command": "Command line that makes the records again, from the repository at the record's commit.",
    "claim": "What the pair of methods is compared for, as the preset says; a letter with a number is a hypothesis of "
    "docs/hypotheses.md.",
    "first": "First method of the pair: its FID is the numerator of the ratio.",
    "second": "Second method of the pair: its FID is the denominator of the ratio.",
    "p": "p value of a two-sided test that both methods are equal.",
    "p, Holm": "The p value after Holm's correction for the number of pairs.",
    "outcome": "lower or higher: settled by both scoring networks; suggestive: by one; undecided: by none.",
    "stage": "Stage of training: one optimisation problem, such as one layer or the whole network.",
    "loss": "Training loss, mean over training seeds. Losses of different stages and methods are not comparable.",
    "loss, scaled": "The loss within its stage: 0 is its lowest mean, 1 its highest.",
    "budget": "Training FLOPs of the method; equal for methods whose budgets differ by less than a fifth.",
    "pair": "Two recognisers that are tested on the same images.",
    "difference": "Accuracy of the first minus that of the second.",
    "only the first right": "Test images that the first one alone recognises, mean over training seeds.",
    "only the second": "Test images that the second one alone recognises, mean over training seeds.",
    "chosen among": "Number of evaluation counts that the best one was chosen from.",
    "trial": "The options that are changed in the trial.",
    "finished": "Number of training seeds whose cell finished.",
    "chosen": "Number of training seeds of which this trial is the best on the validation split.",
    "validation accuracy": "Share of validation images that are recognised; trials are chosen by it.",
    "validation fid": "FID to the validation split; trials are chosen by it.",
    "saturated": "Share of saturated activations in the worst layer at the start of supervised training.",
    "saturated at the end": "The same share at the end of supervised training.",
    "gradient, lowest / highest": "Gradient norm at the lowest hidden layer over that at the highest, at the start.",
    "at the end": "The same ratio of gradient norms at the end of supervised training.",
    "seed": "Number of the training seed, or of the timing launch.",
    "number of the stage": "Place of the stage in the order of training, 1 being the first.",
    "link": "Place of an evaluation in the chain of inference, 1 being the first.",
    "place": "Place in the chain: 0 is noise, 1 is the sample.",
    "share trained": "Share of the training examples for which an update differentiates this evaluation.",
    "on its own input": "Whether the update evaluates it on its own inference input, for a loss on the end of the "
    "chain.",
    "accumulated error": "Energy distance of the whole chain's states from those that training feeds the next link.",
    "single-link error": "The same distance after one link that starts from training's states.",
    "classifier": "Accuracy of a classifier that separates both kinds of states; 50 % is best.",
    "accuracy": "Share of held-out test images that are recognised, mean over training seeds.",
    "images": "Training images seen by then, counted with repetition.",
    "seconds": "Seconds of training by then, from timing cells that had the computer to themselves.",
    "FLOPs": "Floating-point operations of training by then.",
    "kind of loss": "one loss: a loss on the end of the chain trains evaluations on their own inputs at inference, or "
    "the method's era is end-to-end. local losses: every other generator.",
    "layers": "Number of hidden layers.",
    "error": "Share of test images that are not recognised, mean over training seeds.",
    "series": "Variants that differ in the number of layers only.",
    "preset": "The file of settings that the run was made with.",
    "verdicts": "What the gate found of each number: same, better, worse or inconclusive.",
    "primaries": "The main numbers of the run, of which the gate is about.",
}
# Forms of heads -> the declared column, or the head in OWN, that explains them.
PATTERNS = {r"\d+ NFE": "fid_ratio", r"FID ratio.*": "fid_ratio", r"(train|training) (s|seconds).*": "train_seconds"}
PATTERNS |= {r"accuracy [≥≤].*": "train_flops", r"\d+ layers": "error", r"p 2": "p", r"p 2, Holm": "p, Holm"}
NUMBERS = ("number of a table", "A number as the sentences below its table explain it.")


@cache
def entry_of(head: str) -> Explanation:
    """The glossary entry of a head; a head that nobody explains refers to the sentences below its table."""
    known = _columns()
    head = next((name for form, name in PATTERNS.items() if re.fullmatch(form, head)), head)
    if head in OWN:
        return _entry(head, (("meaning", OWN[head]),))
    name = DECLARED.get(head, head)
    column = known.get(name) or next((column for column in known.values() if column.head == head), None)
    return _entry(column.name, _facts(column)) if column else _entry(NUMBERS[0], (("meaning", NUMBERS[1]),))


def _entry(title: str, facts: tuple) -> Explanation:
    return Explanation("g-" + re.sub(r"\W+", "-", title).strip("-").lower(), title, facts)


def _facts(column: Column) -> tuple[tuple[str, str], ...]:
    better = () if column.style == "text" else (("direction", BETTER[column.direction]),)
    facts = (("meaning", column.meaning), ("unit", column.unit), *better, ("formula", column.formula))
    return (*facts, ("source", column.source), ("misleads", column.misleads))


@cache
def _columns() -> dict[str, Column]:
    found: dict[str, Column] = {}
    for entries in columns.everywhere().values():
        for _, column in entries:
            for name in column.names:
                found.setdefault(name, column)
    return found
