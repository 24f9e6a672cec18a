"""Samplers against an ODE with a known solution; their order is the slope of log error against log step."""

import math

import numpy as np
import pytest
import torch

from paradigms.parts.flow import samplers

# dx/dt = cos(4 t) x has x(0) = x(1) exp(-sin(4) / 4).
EXACT = math.exp(-math.sin(4.0) / 4)


def field(x, t, r):
    return torch.cos(4 * t).view(-1, 1) * x


def error(sampler, nfe):
    start = torch.ones(1, 1, dtype=torch.float64)
    return abs(float(samplers.SAMPLERS[sampler](field, start, nfe)) - EXACT)


# The first step of iPNDM is Euler's, whose local error h^2 bounds the whole chain at order 2; its weights are below.
@pytest.mark.parametrize(("sampler", "order"), [("euler", 1), ("heun", 2), ("ipndm", 2), ("dpmpp", 2)])
def test_order_is_the_slope_of_the_error(sampler, order):
    nfes = [64, 128, 256, 512]
    slope = -np.polyfit(np.log(nfes), np.log([error(sampler, nfe) for nfe in nfes]), 1)[0]
    assert slope == pytest.approx(order, abs=0.1)


def test_the_times_of_the_weights_are_those_of_the_evaluations():
    times = samplers.grid(7, torch.ones(3, 1, dtype=torch.float64))
    assert times[:, 0].tolist() == pytest.approx(samplers.times_on_host(7))


def test_ipndm_weights_integrate_polynomials_exactly_on_any_grid_and_are_the_published_ones_on_an_equal_one():
    """Adams-Bashforth of order q is exact for slopes that are polynomials of degree q - 1: the order conditions."""
    for times in ([1.0, 0.75, 0.5, 0.25, 0.0], [1.0, 0.4, 0.3, 0.1, 0.02]):
        for order in (1, 2, 3, 4):
            nodes, end = times[:order][::-1], times[order]
            weights = samplers.adams_bashforth(nodes, end)
            for degree in range(order):
                integral = (end ** (degree + 1) - nodes[0] ** (degree + 1)) / (degree + 1)
                found = sum(w * node**degree for w, node in zip(weights, nodes, strict=True))
                assert found == pytest.approx(integral, abs=1e-12)
    weights = samplers.adams_bashforth([0.25, 0.5, 0.75, 1.0], 0.0)
    assert weights == pytest.approx([-0.25 * w / 24 for w in (55, -59, 37, -9)], abs=1e-12)


def test_dpmpp_is_exact_where_the_clean_image_is_linear_in_its_log_ratio_of_signal_to_noise():
    """A constant E[x | x_t] is reproduced by any step; a linear one by the steps that have a history."""
    start = torch.full((2, 3), 0.7, dtype=torch.float64)

    def towards(clean):
        return lambda x, t, r: (x - clean) / t[:, None]

    for nfe in (1, 2, 5):
        found = samplers.dpmpp(towards(torch.full_like(start, 0.25)), start, nfe)
        torch.testing.assert_close(found, torch.full_like(start, 0.25), atol=1e-12, rtol=0)


def test_at_equal_evaluations_higher_order_is_more_accurate():
    assert error("heun", 32) < error("euler", 32) / 5
    assert error("ipndm", 32) < error("euler", 32) / 5
    assert error("dpmpp", 32) < error("euler", 32) / 2  # it is made for the field of a denoiser, which this is not


def test_jump_with_the_average_velocity_is_exact_in_one_step():
    def average(x, t, r):
        s = t.view(-1, 1)
        end = x * torch.exp((torch.sin(4 * r) - torch.sin(4 * t)).view(-1, 1) / 4)
        return (x - end) / (s - r.view(-1, 1))

    start = torch.ones(3, 1, dtype=torch.float64)
    for nfe in (1, 3):
        assert torch.allclose(samplers.jump(average, start, nfe), torch.full_like(start, EXACT), atol=1e-12)


@pytest.mark.parametrize("sampler", list(samplers.SAMPLERS))
def test_every_sampler_spends_exactly_the_requested_evaluations(sampler):
    for nfe in (1, 2, 4, 7):
        calls = []
        if samplers.allows(sampler, nfe):
            samplers.SAMPLERS[sampler](lambda x, t, r, calls=calls: calls.append(t) or x, torch.ones(2, 1), nfe)
            assert len(calls) == nfe
    assert not samplers.allows("heun", 3)
    assert not samplers.allows("euler", 0)
