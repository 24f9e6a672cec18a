"""The inference graph of a paradigm: the ordered evaluations that produce one sample or one classification.

Drawing a sample: every call of the link, and every layer outside it that the way to the image uses (a decoder, the
lower layers of a deep belief network). Classifying: every layer. A layer is a module that holds weights (parameters of
two or more dimensions) itself, whether it is called as a module or its weights are used directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.flops import CPU_ATTENTION
from benchmarks.score.reach.calls import Call, Calls, record
from paradigms.base import Paradigm

N_ROWS = 4
PRODUCTS = set(
    "matmul __matmul__ __rmatmul__ mm bmm mv addmm baddbmm einsum tensordot linear bilinear conv1d conv2d conv3d "
    "conv_transpose1d conv_transpose2d conv_transpose3d".split()
)


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of an inference graph: a module's name and its times, (t, r), (t,) or (); flops of one row."""

    name: str
    times: tuple[float, ...]
    flops: float


@dataclass(frozen=True)
class Graph:
    """kind: "generation" or "recognition". modules: those evaluated, by name. fed_by_data: what enters the first."""

    kind: str
    evaluations: list[Evaluation]
    modules: dict[str, nn.Module]
    sampler: str | None = None
    nfe: int | None = None

    @property
    def fed_by_data(self) -> bool:
        """Classifying starts from an image; drawing starts from noise alone."""
        return self.kind == "recognition"


def generation_graph(paradigm: Paradigm, nfe: int, sampler: str) -> Graph:
    """What `sample` evaluates for one image. Runs it on a few rows."""
    link = paradigm.link()
    inside = set(link.modules())
    name = next((name for name, module in paradigm.named_modules() if module is link), "link")
    layers = {key: layer for key, layer in weighted(paradigm).items() if layer not in inside}
    generator = torch.Generator(paradigm.device).manual_seed(0)
    found = _observe({name: link}, layers, lambda: paradigm.sample(N_ROWS, nfe, generator, sampler))
    return Graph("generation", found, _used(found, {name: link, **layers}), sampler, nfe)


def recognition_graph(paradigm: Paradigm, x: Tensor) -> Graph:
    """What `logits` evaluates for the images x (B, C, H, W). Runs it on a few rows."""
    layers = weighted(paradigm)
    found = _observe({}, layers, lambda: paradigm.logits(x[:N_ROWS]))
    return Graph("recognition", found, _used(found, layers))


def weighted(root: nn.Module) -> dict[str, nn.Module]:
    """The modules that hold weights themselves, by name; where none has two dimensions, those with any parameter."""
    for dims in (2, 1, 0):
        found = {
            name or "self": module
            for name, module in root.named_modules()
            if any(p.dim() >= dims for p in module.parameters(recurse=False))
        }
        if found:
            return found
    return {}


def _used(evaluations: list[Evaluation], modules: dict[str, nn.Module]) -> dict[str, nn.Module]:
    return {evaluation.name: modules[evaluation.name] for evaluation in evaluations}


@torch.no_grad()
def _observe(links: dict, layers: dict, run: Callable[[], object]) -> list[Evaluation]:
    # A layer that contains others is not an evaluation by its call, only by what it does with its own weights.
    leaves = {name: layer for name, layer in layers.items() if not any(c in layers.values() for c in _below(layer))}
    counter = FlopCounterMode(display=False, custom_mapping=CPU_ATTENTION)
    with counter, record(links | leaves, meter=counter.get_total_flops) as calls, _Products(layers, calls):
        run()
    return [Evaluation(call.name, tuple(call.times[:1].flatten().tolist()), call.flops / call.rows) for call in calls]


def _below(module: nn.Module) -> Iterator[nn.Module]:
    return (child for child in module.modules() if child is not module)


class _Products(TorchFunctionMode):
    """Adds to `calls` the products with weights of `layers` that are taken outside every recorded call.

    Several in a row with one layer's weights are one evaluation, as up and down in a restricted Boltzmann machine.
    """

    def __init__(self, layers: dict[str, nn.Module], calls: Calls):
        super().__init__()
        self.calls, self.last = calls, None
        # A transpose is another tensor on the same storage.
        self.owners = {
            p.untyped_storage().data_ptr(): (name, p.numel())
            for name, layer in layers.items()
            for p in layer.parameters(recurse=False)
        }

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if not self.calls.open and getattr(func, "__name__", "") in PRODUCTS:
            for leaf in tree_leaves((args, kwargs)):
                if isinstance(leaf, Tensor) and leaf.untyped_storage().data_ptr() in self.owners:
                    self._add(*self.owners[leaf.untyped_storage().data_ptr()])
        return func(*args, **(kwargs or {}))

    def _add(self, name: str, n_weights: int) -> None:
        if self.calls and self.calls[-1] is self.last and self.last.name == name:
            return
        self.last = Call(name, 1, None, torch.empty(1, 0), flops=2 * n_weights)
        self.calls.append(self.last)
