"""Declarations of the columns for gradient reach and the trained chain length."""

from __future__ import annotations

from benchmarks.columns import Column

TITLE = "Gradient reach"
COLUMNS = [
    Column(
        "reach",
        unit="share of the inference chain's evaluations",
        direction=None,
        meaning="On-policy gradient reach: the share of the evaluations of the inference chain that one training "
        "update makes on their own inference input, with gradient from a loss on the end of the chain.",
        formula="number of such evaluations / number of evaluations in the inference graph, averaged over stages "
        "by training FLOPs",
        source="defined here; measured by tagging calls and their gradients during one update",
        misleads="A reach of 1 says that the loss depends on the whole chain, not that it is the right loss. A "
        "chain of one evaluation can reach 1 trivially. A variant that starts from another's weights has the reach of "
        "its own training only. A known way to fool it, which is not detected: a state made from "
        "images that a paradigm stores while its loss runs counts as one that comes from noise.",
        head="on-policy reach",
        code="benchmarks/score/reach/reach.py",
    ),
    Column(
        "reach_coverage",
        unit="share of the inference chain's evaluations",
        direction=None,
        meaning="Share of the evaluations that receive gradient in one update, whatever their input.",
        formula="evaluations with gradient / evaluations in the inference graph, at most 1",
        source="defined here",
        misleads="Local losses on all links at once give a coverage of 1 and a reach of 0.",
        head="coverage",
        code="benchmarks/score/reach/reach.py",
    ),
    Column(
        "flops_weighted_reach",
        unit="share of the inference chain's FLOPs",
        direction=None,
        meaning="`reach` with the evaluations weighted by their FLOPs.",
        formula="FLOPs of the evaluations that count in `reach` / FLOPs of all evaluations in the inference graph",
        source="defined here",
        misleads="Elementwise operations are not counted as FLOPs.",
        head="by FLOPs",
        code="benchmarks/score/reach/reach.py",
    ),
    Column(
        "credit_length",
        unit="evaluations",
        direction=None,
        meaning="Length of the longest path of evaluations through which one update propagates gradient.",
        formula="longest chain of evaluations with non-zero gradient in the autograd graph, averaged over stages "
        "by training FLOPs",
        source="defined here; the credit assignment path of Schmidhuber 2015",
        misleads="Gradient along a long path may vanish; see `effective_reach`.",
        head="credit length",
        code="benchmarks/score/reach/reach.py",
    ),
    Column(
        "effective_reach",
        unit="share of the inference chain's evaluations",
        direction=None,
        meaning="Effective number of evaluations that the gradient is distributed over, as a share of all.",
        formula="exp(entropy of s) / number of evaluations, with s the shares of |dL / d output| of the evaluations",
        source="defined here; exponential of the entropy as an effective number (Hill 1973)",
        misleads="Gradient norms depend on the parameterisation of the outputs. An even distribution is no merit "
        "in itself.",
        head="effective",
        code="benchmarks/score/reach/reach.py",
    ),
    Column(
        "k_shift",
        unit="none; 1 at the trained number of evaluations",
        direction=None,
        meaning="FID at this number of evaluations over the FID at the number that training is about: the cost of "
        "sampling with another chain length.",
        formula="fid / fid of the same sampler and seed at the trained number of evaluations, mean over seeds",
        source="defined here; the trained number is measured together with the reach (`natural_nfe`)",
        misleads="It is empty where training fixes no number of evaluations, as with per-step losses. It is below "
        "1 where more evaluations help although they were not trained.",
        code="benchmarks/report/",
    ),
]
