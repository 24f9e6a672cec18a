"""A sequential test of a change in quality: a few looks, several primaries, intervals that hold over all of them.

A value of one training seed is a log FID ratio, or an error rate in points: lower is better, and the change is the mean
of head minus that of base. It is estimated twice. Unpaired: two-sample t, with the noise of a large baseline. Paired:
t of the differences at equal seeds. Pairing is not assumed to help. Over earlier versions of the code with equal seeds
the correlation of the seeds was 0.94 to 1.00 where only rounding had changed, 0.67 after real changes and 0.57 between
learning rates; between chains with other gradient reach it was -0.2 to 0.86. So each estimate gets a part of the error
probability, and the narrower interval counts (Bonferroni: valid however the two depend on each other).

Error probabilities are spent over looks in proportion to the seeds that a look adds (Lan and DeMets 1983, linear), and
over primaries by Holm's procedure at each look (Maurer and Bretz 2013).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

ALARM = 0.01  # of a regression anywhere in a gate where nothing changed; the same for an improvement
MISS = 0.05  # per primary: to pass although it is worse by the margin
SHARES = {"unpaired": 0.8, "paired": 0.2}  # of each error probability
POWER = 0.8


@dataclass(frozen=True)
class Noise:
    """Standard deviation over training seeds.

    sd: in the unit of the values.
    freedom: degrees of freedom from which it is estimated.
    """

    sd: float
    freedom: int

    @classmethod
    def of(cls, *groups: Sequence[float]) -> Noise:
        """Pooled within the groups; raises ValueError where no group has two values."""
        freedom = sum(len(group) - 1 for group in groups if len(group) > 1)
        if freedom == 0:
            raise ValueError("noise needs two training seeds")
        squares = sum(float(np.var(group)) * len(group) for group in groups if len(group) > 1)
        return cls(math.sqrt(squares / freedom), freedom)


@dataclass(frozen=True)
class Estimate:
    """One estimate of a change.

    change: mean of head minus mean of base.
    error: its standard error.
    freedom: of the t distribution.
    share: part of every error probability that it may use.
    """

    change: float
    error: float
    freedom: int
    share: float

    def low(self, level: float) -> float:
        """Lower bound that lies above the true change with probability `level` at most."""
        return self.change - float(stdtrit(self.freedom, 1 - level * self.share)) * self.error

    def high(self, level: float) -> float:
        """Upper bound that lies below the true change with probability `level` at most."""
        return self.change + float(stdtrit(self.freedom, 1 - level * self.share)) * self.error

    def detectable(self, level: float) -> float:
        """Smallest true change that a test with the error probability `level` finds with power 0.8."""
        critical = stdtrit(self.freedom, 1 - level * self.share) + stdtrit(self.freedom, POWER)
        return float(critical) * self.error

    def p_above(self, change: float) -> float:
        """p value of the hypothesis that the true change is at most `change`."""
        if self.error == 0:
            return 0.0 if self.change > change else 1.0
        return min(1.0, float(stdtr(self.freedom, (change - self.change) / self.error)) / self.share)


@dataclass(frozen=True)
class Change:
    """What is known of the change of one primary after some seeds.

    estimates: unpaired, and paired where seeds are shared.
    """

    estimates: tuple[Estimate, ...]

    @property
    def value(self) -> float:
        """The estimate with the smaller standard error."""
        return min(self.estimates, key=lambda estimate: estimate.high(MISS) - estimate.change).change

    def low(self, level: float) -> float:
        """Lower bound: the higher of the estimates'."""
        return max(estimate.low(level) for estimate in self.estimates)

    def high(self, level: float) -> float:
        """Upper bound: the lower of the estimates'."""
        return min(estimate.high(level) for estimate in self.estimates)

    def p_worse(self) -> float:
        """p value of the hypothesis that the change is not above 0."""
        return min(estimate.p_above(0.0) for estimate in self.estimates)

    def p_better(self) -> float:
        """p value of the hypothesis that the change is not below 0."""
        mirrored = [Estimate(-e.change, e.error, e.freedom, e.share) for e in self.estimates]
        return min(estimate.p_above(0.0) for estimate in mirrored)


def change(head: Mapping[int, float], base: Mapping[int, float], noise: Noise | None = None) -> Change:
    """The change from base to head.

    head, base: seed -> value; lower is better.
    noise: further knowledge of the noise, such as a committed baseline's where `base` was measured anew.
    """
    a, b = list(head.values()), list(base.values())
    pooled = Noise.of(a, b)
    if noise:
        freedom = pooled.freedom + noise.freedom
        variance = (pooled.sd**2 * pooled.freedom + noise.sd**2 * noise.freedom) / freedom
        pooled = Noise(math.sqrt(variance), freedom)
    error = pooled.sd * math.sqrt(1 / len(a) + 1 / len(b))
    estimates = [Estimate(float(np.mean(a) - np.mean(b)), error, pooled.freedom, SHARES["unpaired"])]
    differences = [head[seed] - base[seed] for seed in head if seed in base]
    if len(differences) > 2:
        error = float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
        estimates.append(Estimate(float(np.mean(differences)), error, len(differences) - 1, SHARES["paired"]))
    return Change(tuple(estimates))


def spent(level: float, looks: Sequence[int], look: int) -> float:
    """The part of an error probability that a look may use.

    level: of all looks together.
    looks: numbers of seeds, ascending.
    look: index.
    """
    return level * (looks[look] - (looks[look - 1] if look else 0)) / looks[-1]


def rejected(p_values: Mapping[Hashable, float], level: float) -> set[Hashable]:
    """The hypotheses that Holm's procedure rejects (Holm 1979).

    p_values: hypothesis -> p value, of the whole family.
    level: probability of a false rejection in the family.
    """
    found: set[Hashable] = set()
    for name in sorted(p_values, key=p_values.__getitem__):
        if p_values[name] > level / (len(p_values) - len(found)):
            break
        found.add(name)
    return found


def detectable(noise: Noise, n_head: int, n_base: int, level: float) -> float:
    """Smallest true change that the unpaired test finds with power 0.8, as a difference of values.

    noise: of the baseline.
    n_head, n_base: numbers of seeds.
    level: one-sided error probability of the test.
    """
    error = noise.sd * math.sqrt(1 / n_head + 1 / n_base)
    return Estimate(0.0, error, noise.freedom + n_head - 1, SHARES["unpaired"]).detectable(level)


def seeds_to_decide(value: float, margin: float, noise: Noise, n_base: int, alarm: float) -> int | None:
    """Seeds of head after which the unpaired test decides, if the true change is the estimated one.

    value: the estimated change.
    margin: tolerated change.
    noise: of the baseline.
    n_base: its seeds.
    alarm: one-sided error probability of a regression.

    Returns None where no number of seeds does, because the baseline itself is too small.
    """
    level, distance = (alarm, value) if value > margin else (MISS, margin - value)
    critical = float(stdtrit(noise.freedom, 1 - level * SHARES["unpaired"]))
    left = (distance / (critical * noise.sd)) ** 2 - 1 / n_base if noise.sd else math.inf
    return max(2, math.ceil(1 / left)) if left > 0 else None
