"""Shares of seconds: calls whose work is of one kind, so that its share is nearly all."""

import pytest
import torch

from benchmarks.speed.uncharged import KINDS, shares

N_TRAIN, N = 1257, 400
ZEROS = torch.zeros(10**6)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def products():
    a = torch.ones(N, N, requires_grad=True)
    (a @ torch.ones(N, N) @ torch.ones(N, N)).backward(torch.ones(N, N))


def kernels():
    torch.ones(N, N_TRAIN).exp().softmax(1)


def layers():
    return torch.nn.functional.group_norm(torch.ones(64, 16, 40, 40), 4)


def optimiser():
    parameter = torch.nn.Parameter(torch.ones(10**6))
    parameter.grad = torch.ones(10**6)
    torch.optim.Adam([parameter], foreach=True).step()


def convolution():
    images = torch.ones(16, 16, 32, 32, requires_grad=True)
    torch.conv2d(images, torch.ones(16, 16, 3, 3)).sum().backward()


CALLS = {
    "charged": [products, convolution],
    "training split": [kernels],
    "norms": [layers],
    "optimiser": [optimiser],
    "elementwise": [lambda: torch.randn(10**6).sin()],
    "average": [lambda: torch._foreach_lerp_([ZEROS] * 8, [ZEROS] * 8, 0.5)],
}


@pytest.mark.parametrize(("kind", "call"), [(kind, call) for kind, calls in CALLS.items() for call in calls])
def test_work_of_one_kind_has_the_largest_share(kind, call):
    found = shares(call, N_TRAIN)
    assert list(found) == list(KINDS) and sum(found.values()) == pytest.approx(1)
    del found["no operation"]  # a process that waits for its core is in none
    assert max(found, key=found.get) == kind, found


def test_what_the_optimiser_multiplies_is_charged():
    class Products(torch.optim.SGD):
        def step(self, closure=None):
            products()

    parameter = torch.nn.Parameter(torch.ones(3))
    assert shares(Products([parameter]).step, N_TRAIN)["charged"] > 0.5
