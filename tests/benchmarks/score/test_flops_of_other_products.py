"""Products that have an operator of their own, against counts by hand."""

import pytest
import torch
from torch import nn

from benchmarks.flops import count_flops

N, M, D = 6, 5, 4
A, B, X = torch.ones(N, D), torch.ones(M, D), torch.ones(D)
STACKS = torch.ones(2, 3, D), torch.ones(2, D, M)
PAIRS = 3 * N * M * D  # difference, power and sum

HAND_COUNTS = {
    "mv": (lambda: A @ X, 2 * N * D),
    "addmv": (lambda: torch.addmv(torch.ones(N), A, X), 2 * N * D),
    "dot": (lambda: X @ X, 2 * D),
    "inner": (lambda: torch.inner(X, X), 2 * D),
    "addr": (lambda: torch.addr(torch.ones(N, D), torch.ones(N), X), 2 * N * D),
    "addbmm": (lambda: torch.addbmm(torch.ones(3, M), *STACKS), 2 * 2 * 3 * D * M),
    "cdist": (lambda: torch.cdist(A, B), PAIRS),
    "cdist of many rows": (lambda: torch.cdist(A.repeat(9, 1), B), 2 * 9 * N * M * (D + 2)),  # by a matrix product
    "cdist p=1": (lambda: torch.cdist(A, B, p=1), PAIRS),
    "cdist backward": (lambda: torch.cdist(A.clone().requires_grad_(), B, p=1).sum().backward(), 2 * PAIRS),
    "pdist": (lambda: torch.pdist(A), 3 * N * (N - 1) // 2 * D),
    "bilinear": (lambda: nn.Bilinear(D, 3, M)(A, torch.ones(N, 3)), 3 * N * M * D * 3),
}
KNOWN = {
    "baddbmm": (lambda: torch.baddbmm(torch.ones(2, 3, M), *STACKS), 2 * 2 * 3 * D * M),
    "einsum": (lambda: torch.einsum("nd,md->nm", A, B), 2 * N * M * D),
    "einsum of rows": (lambda: torch.einsum("nd,nd->n", A, A), 2 * N * D),
    "tensordot": (lambda: torch.tensordot(A, B.T, 1), 2 * N * M * D),
}


@pytest.mark.parametrize("name", HAND_COUNTS)
def test_a_product_that_the_counter_of_torch_does_not_know_is_counted(name):
    product, by_hand = HAND_COUNTS[name]
    with torch.set_grad_enabled("backward" in name):
        assert count_flops(product) == by_hand


@pytest.mark.parametrize("name", KNOWN)
def test_a_product_that_the_counter_of_torch_knows_is_counted_once(name):
    product, by_hand = KNOWN[name]
    assert count_flops(product) == by_hand


def test_watching_gives_the_tensors_and_flops_of_every_counted_operation():
    seen = []
    layer = nn.Linear(D, M, bias=False)
    total = count_flops(lambda: layer(A).sum().backward(), watch=lambda tensors, flops: seen.append((tensors, flops)))
    assert sum(flops for _, flops in seen) == total == 2 * 2 * N * M * D
    storages = {tensor.untyped_storage().data_ptr() for tensor in seen[0][0]}
    assert layer.weight.untyped_storage().data_ptr() in storages
