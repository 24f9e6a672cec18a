"""Changes that the gate must not call a regression: refactorings pass, improvements ask for a blessing."""

from __future__ import annotations

from tests.benchmarks.gate.planted import CHAIN, FLOW, SAMPLERS, UNET, Planted

SWAPPED = "paradigms/training/defaults.py"
COSINE = '''def cosine(progress: float) -> float:
    """Returns the learning-rate factor at `progress` in [0, 1] through a stage: from 1 to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * progress))
'''
LINEAR = '''def linear(progress: float) -> float:
    """Returns the learning-rate factor at `progress` in [0, 1] through a stage: from 1 to 0 along a line."""
    return 1 - progress
'''
LOOP = "        for _ in range(N_STEPS):\n"
POLYNOMIAL = """            polynomial = torch.baddbmm(a * one + b * gram, gram, gram, alpha=c)
            product = polynomial @ product
"""

IMPROVEMENTS = [
    Planted(
        "a renamed variable",
        SAMPLERS,
        "    for t, r in itertools.pairwise(grid(nfe, x)):\n"
        "        x = x - over_image(t - r, x) * field(x, t, t)\n    return x\n",
        "    for now, then in itertools.pairwise(grid(nfe, x)):\n"
        "        x = x - over_image(now - then, x) * field(x, now, now)\n    return x\n",
        "none",
        improvement=True,
    ),
    Planted("another comment", UNET, "# Sampling on a CPU is", "# On a CPU sampling is", "none", improvement=True),
    Planted(
        "functions in another order",
        SWAPPED,
        f"{COSINE}\n\n{LINEAR}",
        f"{LINEAR}\n\n{COSINE}",
        "none",
        improvement=True,
    ),
    Planted(
        "fewer FLOPs for equal weights",
        "paradigms/parts/optimizers/muon.py",
        f"{LOOP}{POLYNOMIAL}            gram = polynomial @ gram @ polynomial\n",
        f"        for step in range(N_STEPS):\n{POLYNOMIAL}"
        "            gram = polynomial @ gram @ polynomial if step < N_STEPS - 1 else gram\n",
        "counters",
        improvement=True,
    ),
    Planted(
        "a faster equal operation",
        UNET,
        "F.pixel_unshuffle(x, self.patch)",
        "x if self.patch == 1 else F.pixel_unshuffle(x, self.patch)",
        "counters",
        improvement=True,
    ),
    Planted(
        "another error message",
        "benchmarks/train/warm_start.py",
        'there is no {name} in it"',
        '{name} is not in it"',
        "none",
        CHAIN,
        improvement=True,
    ),
    Planted(
        "a function of its own",
        FLOW,
        "    x_t = on_path(x, eps, t)\n    if velocity",
        "    x_t = (lambda: on_path(x, eps, t))()\n    if velocity",
        "none",
        improvement=True,
    ),
]
