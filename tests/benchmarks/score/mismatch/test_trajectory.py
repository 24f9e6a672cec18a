"""Sampling trajectories: where they start, where they end, and which chains have none."""

import pytest
import torch

from benchmarks.score.mismatch.trajectory import N_IMAGES, N_STEPS, sampling_trajectory
from paradigms import load
from paradigms.parts.flow import samplers

SHAPE, NFES = (1, 8, 8), [1, 2, 4]
X, LABEL = torch.rand(20, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1, torch.arange(20) % 10


def paradigm(name, **options):
    torch.manual_seed(0)
    built = load(name)(SHAPE, 10, **options)
    built.observe(X, LABEL)
    if hasattr(built, "net"):
        torch.nn.init.normal_(built.net.leave.weight, std=0.3)
    return built.eval()


def test_a_trajectory_starts_from_the_same_noise_for_every_paradigm_and_ends_at_the_sample():
    field, chain = paradigm("diffusion"), paradigm("unrolled", k=2)
    first, second = (
        sampling_trajectory(field, X, LABEL, None, NFES, "euler", seed=5),
        sampling_trajectory(chain, X, LABEL, 2, NFES, "euler", seed=5),
    )
    assert first.shape == (N_STEPS + 1, N_IMAGES, *SHAPE) and second.shape == (3, N_IMAGES, *SHAPE)
    assert (first[0] == second[0]).all() and not (first[-1] == second[-1]).all()
    assert not (first[0] == sampling_trajectory(field, X, LABEL, None, NFES, "euler", seed=6)[0]).all()
    # The noise itself is cut at the ends of the grey scale, so the end is compared from an uncut start.
    generator = torch.Generator().manual_seed(0)
    start = field.on_data(X[:N_IMAGES], LABEL, 0, N_STEPS, generator)
    state = start
    for step in range(N_STEPS):
        state = field.chain_step(state, step, N_STEPS, generator, "euler")
    torch.testing.assert_close(state, samplers.euler(field.net, start, N_STEPS), atol=1e-5, rtol=0)


def test_a_one_step_generator_has_two_states():
    assert len(sampling_trajectory(paradigm("drifting"), X, LABEL, 1, NFES, "jump", seed=5)) == 2


def test_a_one_step_chain_that_is_not_scored_at_more_steps_has_two_states():
    assert len(sampling_trajectory(paradigm("unrolled", k=1), X, LABEL, 1, [1, 2], "euler", seed=5)) == 2
    assert len(sampling_trajectory(paradigm("meanflow"), X, LABEL, 1, NFES, "jump", seed=5)) == N_STEPS + 1


@pytest.mark.parametrize(("name", "options"), [("dbn", {}), ("sdae", {}), ("diffusion", {"conditional": True})])
def test_chains_that_start_from_data_or_need_a_label_have_no_trajectory(name, options):
    built = paradigm(name, **options)
    assert sampling_trajectory(built, X, LABEL, None, NFES, built.samplers[0], seed=5) is None
