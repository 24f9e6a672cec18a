"""Train/inference mismatch along the generating chain: states while sampling against states in training.

In training, link k of a chain receives states made from data (such as noisy images); while sampling, it receives the
output of link k - 1. The two distributions are compared at every step k of a chain of K links:

symbol    meaning                                                                            for
p_k       states at step k while sampling, from noise through links 0 .. k - 1               k = 0 .. K
q_k       states that training on data feeds to link k (`on_data`); q_k' from other images   k = 0 .. K
S_k       one link of the chain (`chain_step`), from step k to step k + 1                    k = 0 .. K - 1

field                  definition                                                                        for
norm_ratio             mean norm of the output of link k at p_k / the same at q_k                        k < K
variance_error         (mean over units of sd(p_k) - mean over units of sd(q_k))^2                       all k
cumulative_error       energy distance of p_k and q_k: error of all links so far                         all k
floor                  energy distance of q_k and q_k': the same for two samples of one distribution     all k
modular_error          energy distance of S_{k-1}(q_{k-1}) and q_k: error of one link alone              k > 0
two_sample_accuracy    accuracy of a classifier of p_k against q_k; 0.5 for equal distributions          all k
off_policy_residual    K^2 E|S_k(q_k) - q_k - (q_K - q_0) / K|^2 per unit: the local loss on data        k < K
on_policy_residual     the same with p in place of q: deviation of the trajectory from a straight line   k < K
amplification          sum over k > 0 of cumulative_error / the same sum of modular_error

An amplification above 1 means that errors accumulate. Energy distances are unbiased estimates and so may be negative
near equality; `noise` is the standard deviation of one for equal distributions. Residuals are defined for deterministic
links only. What a paradigm leaves undefined is None, with a reason.

Source: Ning et al. 2024 (norm, variance); Li and van der Schaar 2024 (modular and cumulative error, amplification).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.score.mismatch.layers import layer_entries
from benchmarks.score.mismatch.starts_from_noise import first_states, start_entry
from benchmarks.score.mismatch.two_sample import SIGNIFICANT, energy_distance, energy_noise, pooled, two_sample_accuracy
from benchmarks.score.reach.calls import record
from paradigms.base import Batch, Paradigm, derive_seed

N_ROWS = 512
MIN_SIGNAL = 2.0  # the denominator of the amplification must be at least this many times its noise
SCHEDULED = 0.1  # a noise schedule ends as far from the data as noise is; chance gives some thousandths of that


class Undefined(Exception):
    """The mismatch is not defined for a paradigm or sampler; the message says why."""


@torch.no_grad()
def measure_mismatch(
    paradigm: Paradigm, x: Tensor, label: Tensor, nfe: int, sampler: str | None = None, seed: int = 0
) -> dict:
    """Mismatch along the generating chain of `nfe` evaluations.

    x, label: training images (N, C, H, W) in [-1, 1] and classes (N,), of which at most 2 x 512 are used.
    nfe: number of evaluations of the chain.
    sampler: name; None for the paradigm's first.
    seed: of the choice of images and of all noise.

    Returns amplification, its numerator and denominator, `steps` (one entry per state, fields as above), `layers` (one
    entry per generating layer that was trained alone), `start` (whether the chain starts from noise), and `reason` for
    what is None.
    """
    sampler = sampler or paradigm.samplers[0]
    found = nothing_measured(nfe, sampler)
    if not paradigm.can("sample"):
        return found | {"reason": "draws no samples"}
    if not paradigm.allows(nfe, sampler):
        return found | {"reason": f"sampler {sampler!r} has no chain of {nfe} evaluations"}
    rows = min(N_ROWS, len(x) // 2)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
    halves = [Batch(x[part], label[part]) for part in (order[:rows], order[rows : 2 * rows])]
    found["layers"] = layer_entries(paradigm, halves[0], nfe, sampler)
    first = first_states(paradigm, rows, nfe, sampler, _generator(paradigm, seed))
    found["n"] = rows
    try:
        chain = ChainStates(paradigm, halves, first, nfe, sampler, seed)
    except Undefined as error:
        start = start_entry(paradigm, x, label, nfe, sampler, first, halves[0].x)
        return found | {"reason": str(error), "start": start}
    steps = [chain.entry(step) for step in range(nfe + 1)]
    start = start_entry(paradigm, x, label, nfe, sampler, first, chain.on_data[-1])
    start["from_noise"] &= chain.starts_as_trained()
    return found | _amplification(steps) | {"start": start, "steps": steps}


def nothing_measured(nfe: int, sampler: str) -> dict:
    """Every field of `measure_mismatch` before anything is measured: a failure leaves them so."""
    found = {"nfe": nfe, "sampler": sampler, "n": None, "amplification": None, "cumulative_error": None}
    return found | {"modular_error": None, "reason": None, "start": None, "steps": [], "layers": []}


def _amplification(steps: Sequence[dict]) -> dict:
    cumulative, modular, noise = (
        sum(s[key] for s in steps[1:]) for key in ("cumulative_error", "modular_error", "modular_noise")
    )
    sums = {"cumulative_error": cumulative, "modular_error": modular}
    if modular < MIN_SIGNAL * noise:
        return sums | {"reason": "amplification: the errors of single links are within their noise"}
    return sums | {"amplification": cumulative / modular}


def _generator(paradigm: Paradigm, *parts: int) -> torch.Generator:
    return torch.Generator(paradigm.device).manual_seed(derive_seed("mismatch", *parts))


class ChainStates:
    """States of a chain while sampling and in training, by step.

    own: p_k. on_data: q_k. others: q_k'. stepped: S_k(q_k). own_norms, norms: mean norm of the output of link k at p_k
    and at q_k. deterministic: whether a link gives the same states twice.

    p and q share their noise where a paradigm draws it in the same order; q' has noise and images of its own. Raises
    Undefined for a paradigm without `on_data` and `chain_step`, or a sampler whose step needs more than the state.
    """

    def __init__(self, paradigm: Paradigm, halves: Sequence[Batch], first: Tensor | None, nfe: int, sampler: str, seed):
        missing = [name for name in ("on_data", "chain_step") if not paradigm.can(name)]
        if missing:
            raise Undefined(f"the paradigm does not define {' and '.join(missing)}")
        self.paradigm, self.nfe, self.sampler, self.seed = paradigm, nfe, sampler, seed
        self.on_data, self.others = (
            [paradigm.on_data(*half, step, nfe, _generator(paradigm, *parts)) for step in range(nfe + 1)]
            for half, parts in zip(halves, ((seed,), (seed, 1)), strict=True)
        )
        if first is None or first.shape != self.on_data[0].shape:
            raise Undefined("the link is not fed the states that on_data gives")
        self.own, self.own_norms, self.stepped, self.norms = [first], [], [], []
        for step in range(nfe):
            for states, found, norms in (
                (self.own, self.own, self.own_norms),
                (self.on_data, self.stepped, self.norms),
            ):
                after, norm = self._step(states[step], step, len(norms))
                found.append(after)
                norms.append(norm)
        self.deterministic = torch.equal(self._step(first, 0, -1)[0], self._step(first, 0, -2)[0])

    def _step(self, state: Tensor, step: int, number: int) -> tuple[Tensor, float]:
        """The states after one step, and the mean norm of the link's output in it."""
        outputs: list[Tensor] = []

        def keep(_: int, output: Tensor) -> Tensor:
            outputs.append(output)
            return output

        generator = _generator(self.paradigm, self.seed, 2, step, number)
        with record({"link": self.paradigm.link()}, keep):
            try:
                after = self.paradigm.chain_step(state, step, self.nfe, generator, self.sampler)
            except NotImplementedError as error:
                raise Undefined(str(error)) from None
        return after, float(torch.cat(outputs).flatten(1).norm(dim=1).mean()) if outputs else float("nan")

    def entry(self, step: int) -> dict:
        """The fields of one step; None for those of the link after the last state or before the first one."""
        p, q = self.own[step], self.on_data[step]
        cumulative, floor = pooled(p, q), pooled(q, self.others[step])
        modular = pooled(self.stepped[step - 1], q) if step else None
        on, off = self._residuals(step) if step < self.nfe and self.deterministic else (None, None)
        return {
            "step": step,
            "norm_ratio": self.own_norms[step] / self.norms[step] if step < self.nfe and self.norms[step] else None,
            "variance_error": (_spread(p) - _spread(q)) ** 2,
            "cumulative_error": energy_distance(cumulative),
            "noise": energy_noise(cumulative),
            "floor": energy_distance(floor),
            "modular_error": energy_distance(modular) if step else None,
            "modular_noise": energy_noise(modular) if step else None,
            "two_sample_accuracy": two_sample_accuracy(p, q),
            "on_policy_residual": on,
            "off_policy_residual": off,
        }

    def _residuals(self, step: int) -> tuple[float, float]:
        found = []
        for states, after in ((self.own, self.own[step + 1]), (self.on_data, self.stepped[step])):
            straight = (states[-1] - states[0]) / self.nfe
            found.append(self.nfe**2 * float((after - states[step] - straight).double().square().mean()))
        return found[0], found[1]

    def starts_as_trained(self) -> bool:
        """Whether the chain's first states have the distribution that training has at its noise end.

        True for chains without a noise schedule, whose q_0 has the distribution of the data: it is not significantly
        different from q_K, or less than SCHEDULED times as far from it as the chain's first states are. The null
        distribution of the energy distance is skewed, so significance alone would find a schedule by chance.
        """
        scheduled, off = pooled(self.others[0], self.on_data[-1]), pooled(self.own[0], self.others[0])
        distance, to_data = energy_distance(scheduled), energy_distance(pooled(self.own[0], self.on_data[-1]))
        has_schedule = distance > SIGNIFICANT * energy_noise(scheduled) and distance > SCHEDULED * to_data
        return not has_schedule or energy_distance(off) < SIGNIFICANT * energy_noise(off)


def _spread(states: Tensor) -> float:
    return float(states.flatten(1).double().std(0).mean())
