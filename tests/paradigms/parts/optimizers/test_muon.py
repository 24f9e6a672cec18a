"""Muon against the singular value decomposition that its iteration approximates, and its Adam against torch's."""

import pytest
import torch

from paradigms.parts.optimizers.muon import Muon, is_matrix, orthogonalise


def test_orthogonalise_keeps_singular_vectors_and_brings_every_singular_value_near_one():
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(2, 6, 40, dtype=torch.float64), full_matrices=False)
    m = u @ torch.diag(torch.tensor([9.0, 5, 3, 2, 1, 0.5], dtype=torch.float64)) @ v
    inside = u.mT @ torch.stack(orthogonalise(list(m))) @ v.mT
    values = inside.diagonal(dim1=1, dim2=2)
    assert torch.allclose(inside, torch.diag_embed(values), atol=1e-8)
    assert values.min() > 0.65 and values.max() < 1.25  # the quintic does not converge to 1 but into about [0.7, 1.2]


def test_orthogonalise_is_newton_schulz_on_the_whole_matrix():
    torch.manual_seed(0)
    m = torch.randn(1, 4, 9, dtype=torch.float64)
    x, (a, b, c) = m / m.norm(), (3.4445, -4.7750, 2.0315)
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    assert torch.allclose(orthogonalise([m[0]])[0], x[0], rtol=1e-5, atol=1e-6)  # m.norm() + 1e-7 against m.norm()


def test_a_step_of_a_convolution_does_not_depend_on_the_scale_of_its_gradient():
    steps = []
    for scale in (1.0, 1000.0):
        torch.manual_seed(0)
        weight = torch.nn.Parameter(torch.zeros(16, 8, 3, 3))
        optimizer = Muon([weight], lr=0.1, lr_adam=1.0)
        weight.grad = scale * torch.randn_like(weight)
        optimizer.step()
        steps.append(weight.detach().clone())
    assert torch.allclose(*steps, atol=1e-5)
    assert torch.linalg.matrix_norm(steps[0].flatten(1), 2) < 0.13


def test_other_parameters_are_updated_as_by_adam():
    torch.manual_seed(0)
    start, gradients = torch.randn(5), torch.randn(4, 5)
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    optimizers = Muon([ours], lr=1.0, lr_adam=0.01), torch.optim.Adam([theirs], lr=0.01, betas=(0.9, 0.99))
    for gradient in gradients:
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        for optimizer in optimizers:
            optimizer.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(("shape", "expected"), [((16, 1, 3, 3), True), ((1, 16, 3, 3), False), ((64, 64), False)])
def test_matrices_are_convolutions_with_two_long_sides(shape, expected):
    assert is_matrix(torch.zeros(shape)) is expected
