"""Declarations of the columns for likelihood and reconstruction."""

from __future__ import annotations

from benchmarks.columns import Column

TITLE = "Likelihood and reconstruction"
COLUMNS = [
    Column(
        "ais",
        unit="nats per image of binary pixels",
        direction="higher",
        meaning="Mean log-likelihood of test images with the partition function Z estimated by annealed "
        "importance sampling (AIS), and a bracket from annealing in both directions. For a stack of RBMs "
        "it is an estimate of the variational lower bound.",
        formula="mean over test images of log p*(v) - log Z (for a stack: of the lower bound of log p*(v) - log "
        "Z); three standard errors are added on either side of the bracket",
        source="Salakhutdinov and Murray 2008; reverse annealing: Burda et al. 2015",
        misleads="Forward annealing underestimates log Z on average and so flatters the model. The bracket is "
        "only as good as the start of the reverse chains. Values for different binarisations of the "
        "pixels cannot be compared, and likelihood does not say how samples look.",
        head="log-likelihood, nats",
        also=("ais_low", "ais_high"),
        code="paradigms/parts/rbm/ais.py",
    ),
    Column(
        "log_likelihood_exact",
        unit="nats per image of binary pixels",
        direction="higher",
        meaning="Mean log-likelihood of test images with the sums over all states enumerated.",
        formula="mean over test images of log p(v)",
        source="definition",
        misleads="It exists for tiny models only. For stacks it lies above `ais`, which estimates a lower bound.",
        head="exact",
        code="paradigms/parts/rbm/ais.py",
    ),
    Column(
        "squared_error",
        unit="squared grey values per image, pixels in [0, 1]",
        direction="lower",
        meaning="Error of the reconstruction of a test image by one pass up to the highest code and one pass down "
        "again.",
        formula="mean over test images of the sum over pixels of (reconstruction - image)^2",
        source="Hinton and Salakhutdinov 2006",
        misleads="A wide code or an identity reconstructs best and generates nothing; RBMs can be ranked in "
        "reverse order. The pass starts at data, so the number never stands beside an FID.",
        head="squared error",
        code="benchmarks/score/scoring.py",
    ),
]
