"""Checks the instruments of the benchmark against answers that are known: on the digits and on tiny networks.

`python -m benchmarks doctor --selftest` runs it in a child process, since it imports torch. A check is a function that
returns what was expected, what was found, and whether it holds; one that raises does not hold.
"""

from __future__ import annotations

import math
import time
import warnings
from functools import cache, partial

import numpy as np
import torch
from pandas import DataFrame
from torch import Tensor, nn

from benchmarks import data, flops
from benchmarks.report.frames import frames, intervals, paired
from benchmarks.score import floors, marks, nfe
from benchmarks.score.extractors import cache as networks
from benchmarks.score.metrics import copies, frechet, memorisation
from benchmarks.score.reach import reach
from benchmarks.score.scored_samples import RealImages, ScoredSamples
from paradigms.base import Batch, Paradigm, Stage

SEED = 7  # not that of the floors, so that the draws are fresh
N_DRAWS = 200
N_ERRORS = 3  # an error of three standard errors is exceeded by chance once in 370 times, and the draws are fixed
CLEARLY_ABOVE = 2  # one draw of training images has a ratio of 1 with a standard deviation of 0.1 to 0.2

Outcome = tuple[str, str, bool]


def answer() -> list[dict]:
    """Run every check on one CPU core; returns an entry per check: name, expected, found, holds, seconds."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    return [checked(name) for name in CHECKS]


def checked(name: str) -> dict:
    """The entry of the check `name`; where it raises, `found` is the error."""
    began = time.perf_counter()
    try:
        expected, found, holds = CHECKS[name]()
    except Exception as error:
        reason = (str(error).splitlines() or ["no message"])[0]
        expected, found, holds = "a value", f"{type(error).__name__}: {reason}", False
    seconds = round(time.perf_counter() - began, 2)
    return {"name": name, "expected": expected, "found": found, "holds": bool(holds), "seconds": seconds}


def scoring_classifier() -> Outcome:
    """The first scoring network, of the cache or, which takes longer than all else, trained now, knows the digits."""
    label = torch.from_numpy(data.load("digits").test.labels)
    found = float((_digits().test_classes == label).double().mean())
    return "accuracy above 0.9", f"accuracy {found:.3f}", found > 0.9


def perfect_sampler(index: int) -> Outcome:
    """Fresh draws of training images with replacement have an FID ratio of 1 by the scoring network `index`."""
    real, random = _digits(), np.random.RandomState(SEED)
    features, floor = real.by_extractor[index].train(), real.once(frechet.references)[index].test
    drawn = (features[random.randint(len(features), size=real.n_samples)] for _ in range(N_DRAWS))
    found = np.mean([frechet.ratio(each, real, index)["fid_ratio"] for each in drawn])
    # The floor is a mean of floors.N_DRAWS draws, and `found` one of N_DRAWS draws with the same spread.
    error = N_ERRORS * floor.se / floor.mean * math.sqrt(1 + floors.N_DRAWS / N_DRAWS)
    return f"1 ± {error:.3f}", f"{found:.3f}", abs(found - 1) <= error


def shifted_images() -> Outcome:
    """Training images moved by one pixel are far from the test split by both scoring networks."""
    real = _digits()
    samples = ScoredSamples(_drawn(real).roll(1, dims=-1), None, real)
    ratios = [frechet.ratio(samples.features(i), real, i)["fid_ratio"] for i in range(len(real.by_extractor))]
    return f"above {CLEARLY_ABOVE} twice", _listed(ratios), min(ratios) > CLEARLY_ABOVE


def copied_images() -> Outcome:
    """Training images are seen as memorised, and test images as new data."""
    real = _digits()
    sets = [memorisation.compute(ScoredSamples(images, None, real)) for images in (_drawn(real), real.test)]
    known = {"memorisation": (1, 0.5), "memorisation_ratio": (0, 1)}
    found = {name: tuple(each[name] for each in sets) for name in known}
    holds = all(np.allclose(found[name], values, atol=0.01) for name, values in known.items())
    return _by_name(known), _by_name(found), holds


def mark_of_copies() -> Outcome:
    """A sampler that returns training images has the mark; one that returns test images has none."""
    real = _digits()
    sets = {"copies": _drawn(real), "new images": real.test}
    scores = {name: copies.compute(ScoredSamples(images, None, real)) for name, images in sets.items()}
    rows = [{"sampler": name, "nfe": 1, **score} for name, score in scores.items()]
    found = [f"{found['sampler']}: {found['mark']}" for found in marks.marks({"samples": rows})]
    expected = [f"copies: {marks.COPIES}"]
    return "; ".join(expected), "; ".join(found) or "no mark", found == expected


def flop_counter() -> Outcome:
    """A convolution that needs no gradient of its input, and a linear layer that does, forward and backward."""
    n, channels, maps, side, kernel, classes = 3, 2, 4, 8, 3, 5
    network = nn.Sequential(
        nn.Conv2d(channels, maps, kernel, padding="same"), nn.Flatten(), nn.Linear(maps * side**2, classes)
    )
    images = torch.randn(n, channels, side, side)
    convolution = 2 * n * maps * side**2 * channels * kernel**2
    linear = 2 * n * maps * side**2 * classes
    expected = 2 * convolution + 3 * linear
    found = flops.count_flops(lambda: network(images).sum().backward())
    return f"{expected} FLOPs", f"{found:g} FLOPs", found == expected


def evaluations() -> Outcome:
    """The hook counts the calls of a chain of four."""
    chain, n = KnownChain(k=4), 8
    with torch.no_grad(), nfe.count_evaluations(chain.link()) as counter:
        chain.sample(n, 4, torch.Generator().manual_seed(SEED))
    found = counter.rows / n
    return "4 NFE", f"{found:g} NFE", found == 4


def gradient_reach(kind: str, expected: float) -> Outcome:
    """On-policy reach of a chain of two links that is trained by a loss of this kind."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        chain, images = KnownChain(k=2, kind=kind).eval(), torch.rand(32, *KnownChain.SHAPE) * 2 - 1
        found = reach.measure_reach(chain, images, torch.zeros(32, dtype=torch.long), 2)["on_policy_reach"]
    return f"{expected:g}", f"{found:g}", math.isclose(found, expected, abs_tol=1e-6)


def t_interval() -> Outcome:
    """Student's distribution with two degrees of freedom has the quantiles (2p - 1) / sqrt(2p (1 - p))."""
    quantile = 0.95 / math.sqrt(2 * 0.975 * 0.025)
    half = quantile * math.sqrt(7 / 3) / math.sqrt(3)  # 1, 2 and 4 have the mean 7/3 and the variance 7/3
    expected = (7 / 3 - half, 7 / 3 + half)
    seeds = frames.over_seeds(DataFrame({"variant": "known", "value": [1.0, 2.0, 4.0]}), ["variant"], "value").iloc[0]
    found = intervals.bounds(seeds["mean"], seeds.sd, seeds.n)
    return _listed(expected), _listed(found), np.allclose(found, expected, rtol=1e-9)


def holm_correction() -> Outcome:
    """The smallest of three p values is tripled, the next doubled; the last may not fall below them."""
    expected, found = (0.03, 0.06, 0.06), paired.holm([0.01, 0.04, 0.03])
    return _listed(expected), _listed(found), np.allclose(found, expected, rtol=1e-9)


CHECKS = {
    "classifier that scores": scoring_classifier,
    "FID ratio of a perfect sampler": partial(perfect_sampler, 0),
    "FID ratio 2 of a perfect sampler": partial(perfect_sampler, 1),
    "FID ratios of shifted images": shifted_images,
    "memorisation of copies and of new images": copied_images,
    "mark of copies and of new images": mark_of_copies,
    "FLOP counter": flop_counter,
    "NFE counter": evaluations,
    "reach of a local loss on noised data": partial(gradient_reach, "noised data", 0),
    "reach of local losses on the chain's states": partial(gradient_reach, "own states", 1 / 2),
    "reach of one loss through two links": partial(gradient_reach, "end", 1),
    "t interval of three seeds": t_interval,
    "Holm's correction": holm_correction,
}


def _digits() -> RealImages:
    """The digits as the scoring networks see them. Raises what loading them raised, without another try."""
    if isinstance(found := _loaded(), Exception):
        raise found
    return found


@cache
def _loaded() -> RealImages | Exception:
    try:
        dataset = data.load("digits")
        return RealImages(dataset, networks.load_all(dataset), len(dataset.train))
    except Exception as error:
        return error


def _drawn(real: RealImages) -> Tensor:
    rows = np.random.RandomState(SEED).randint(len(real.train), size=real.n_samples)
    return real.train[torch.from_numpy(rows)]


def _listed(values) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _by_name(values: dict[str, tuple]) -> str:
    return "; ".join(f"{name} {_listed(pair)}" for name, pair in values.items())


class KnownChain(Paradigm):
    """A chain of `k` steps of a small MLP, whose gradient reach follows from its loss.

    k: steps. kind: the loss. "noised data": local, on noised training images, as of diffusion; "own states": one local
    loss per step, on the states of the chain; "end": one loss through the whole chain.
    """

    title, era, reference, task = "Chain with a known reach", "test", "none", "generation"
    SHAPE = (1, 4, 4)

    def __init__(self, shape=SHAPE, n_classes=1, *, k: int = 2, kind: str = "end"):
        super().__init__(shape, n_classes)
        size = math.prod(shape)
        self.k, self.kind = k, kind
        self.net = nn.Sequential(nn.Linear(size, 8), nn.Tanh(), nn.Linear(8, size))

    def stages(self) -> list[Stage]:
        return [Stage(self.kind, list(self.net.parameters()), self.loss)]

    def states(self, eps: Tensor) -> list[Tensor]:
        """The k + 1 states (B, C * H * W) of the chain from noise."""
        found = [eps]
        for _ in range(self.k):
            found.append(found[-1] - self.net(found[-1]) / self.k)
        return found

    def loss(self, batch: Batch) -> Tensor:
        x = batch.x.flatten(1)
        eps = torch.randn_like(x)
        if self.kind == "noised data":
            return (self.net((x + eps) / 2) - (eps - x)).square().mean()
        states = self.states(eps)
        if self.kind == "own states":
            return sum((self.net(state.detach()) - (state.detach() - x)).square().mean() for state in states[:-1])
        return (states[-1] - x).square().mean()

    def link(self) -> nn.Module:
        return self.net

    def allows(self, nfe: int, sampler: str) -> bool:
        return nfe == self.k

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        eps = torch.randn(n, math.prod(self.shape), generator=generator)
        return self.states(eps)[-1].view(n, *self.shape).clamp(-1, 1)
