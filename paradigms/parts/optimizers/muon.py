"""Muon: momentum whose step on every convolution is orthogonalised as a matrix; Adam for all other parameters.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024
(kellerjordan.github.io/posts/muon): Nesterov momentum, five quintic Newton-Schulz steps, convolutions flattened to
(n_out, n_in k k). torch.optim.Muon takes two-dimensional parameters only, so no convolution.

symbol    meaning                                    shape
m         momentum of the gradient of one weight     (rows, columns), rows <= columns
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
N_STEPS = 5
MOMENTUM = 0.95
BETAS, EPSILON = (0.9, 0.99), 1e-8
MIN_SIDE = 8  # below it a weight is a vector rather than a matrix


def orthogonalise(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Returns matrices with the singular vectors of `matrices` and singular values near 1.

    Every Newton-Schulz step multiplies a matrix m from the left by a polynomial in m m^T, so it is enough to iterate
    the small Gram matrices, all of one size together.

    matrices: each (rows, columns), rows <= columns.
    """
    a, b, c = COEFFICIENTS
    alike: dict[int, list[int]] = {}
    for index, m in enumerate(matrices):
        alike.setdefault(len(m), []).append(index)
    found: list[Tensor] = list(matrices)
    for rows, indices in alike.items():
        gram = torch.stack([matrices[index] @ matrices[index].T for index in indices])
        norm = gram.diagonal(dim1=1, dim2=2).sum(1).sqrt()[:, None, None] + 1e-7
        gram = gram / norm.square()
        one = torch.eye(rows, dtype=gram.dtype, device=gram.device)
        product = one / norm
        for _ in range(N_STEPS):
            polynomial = torch.baddbmm(a * one + b * gram, gram, gram, alpha=c)
            product = polynomial @ product
            gram = polynomial @ gram @ polynomial
        for index, left in zip(indices, product, strict=True):
            found[index] = left @ matrices[index]
    return found


def is_matrix(parameter: Tensor) -> bool:
    """Returns whether a parameter is a convolution with at least `MIN_SIDE` rows and columns as (n_out, n_in k k)."""
    return parameter.dim() == 4 and min(len(parameter), parameter[0].numel()) >= MIN_SIDE


class Muon(torch.optim.Optimizer):
    """Muon for the parameters that `is_matrix` accepts, Adam for the others.

    parameters: what is optimised.
    lr: Muon's learning rate: about the size of a step's singular values, times sqrt(rows / columns) of a tall matrix.
    lr_adam: Adam's learning rate.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], lr: float, lr_adam: float):
        matrices = [p for p in parameters if is_matrix(p)]
        vectors = [p for p in parameters if not is_matrix(p)]
        groups = [
            {"params": matrices, "lr": lr, "matrices": True},
            {"params": vectors, "lr": lr_adam, "matrices": False},
        ]
        super().__init__([group for group in groups if group["params"]], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        with torch.enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            trained = [p for p in group["params"] if p.grad is not None]
            if group["matrices"]:
                self._step_matrices(trained, group["lr"])
            elif trained:
                self._step_vectors(trained, group["lr"])
        return loss

    def _step_matrices(self, parameters: list[nn.Parameter], lr: float) -> None:
        gradients, momenta = [p.grad for p in parameters], self._kept(parameters, "momentum")
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        nesterov = [m.flatten(1) for m in torch._foreach_lerp(gradients, momenta, MOMENTUM)]
        wide = [m if len(m) <= m.shape[1] else m.T for m in nesterov]
        for p, before, step in zip(parameters, nesterov, orthogonalise(wide), strict=True):
            rows, columns = before.shape
            step = step if rows <= columns else step.T
            # At equal singular values the output of a tall matrix changes less than that of a wide one.
            p.add_(step.reshape_as(p), alpha=-lr * max(1, rows / columns) ** 0.5)

    def _step_vectors(self, parameters: list[nn.Parameter], lr: float) -> None:
        gradients, (beta1, beta2) = [p.grad for p in parameters], BETAS
        means, squares = self._kept(parameters, "mean"), self._kept(parameters, "square")
        for p in parameters:
            self.state[p]["n_steps"] = self.state[p].get("n_steps", 0) + 1
        n_steps = self.state[parameters[0]]["n_steps"]
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        scales = torch._foreach_div(squares, 1 - beta2**n_steps)
        torch._foreach_sqrt_(scales)
        torch._foreach_add_(scales, EPSILON)
        torch._foreach_addcdiv_(parameters, means, scales, -lr / (1 - beta1**n_steps))

    def _kept(self, parameters: list[nn.Parameter], name: str) -> list[Tensor]:
        for p in parameters:
            if name not in self.state[p]:
                self.state[p][name] = torch.zeros_like(p)
        return [self.state[p][name] for p in parameters]


def muon(lr: float = 0.02, lr_adam: float = 5e-3) -> Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]:
    """Returns the optimiser of a Stage: Muon at rate `lr` for convolutions, Adam at `lr_adam` for other parameters."""
    return lambda parameters: Muon(parameters, lr, lr_adam)
