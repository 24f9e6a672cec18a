"""The inference graph of a paradigm: the ordered evaluations that produce one sample or one classification.

The graph of a sample has every call of the link, and every layer outside the link that is used to produce the image (a
decoder, the lower layers of a deep belief network). The graph of a classification has every layer. A layer is a module
that owns weights (parameters of two or more dimensions), whether it is called or its weights are used directly.
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
    """One evaluation of an inference graph: name of the module, its times (t, r), (t,) or (), and FLOPs per row."""

    name: str
    times: tuple[float, ...]
    flops: float


@dataclass(frozen=True)
class Graph:
    """The evaluations of one sample or one classification, in order.

    kind: "generation" or "recognition". modules: those that are evaluated, by name.
    sampler, nfe: of a generation graph.
    """

    kind: str
    evaluations: list[Evaluation]
    modules: dict[str, nn.Module]
    sampler: str | None = None
    nfe: int | None = None

    @property
    def fed_by_data(self) -> bool:
        """Whether the first evaluation receives an image (recognition) and not noise (generation)."""
        return self.kind == "recognition"


def generation_graph(paradigm: Paradigm, nfe: int, sampler: str) -> Graph:
    """The graph of `sample` for one image, found by sampling a few rows."""
    link = paradigm.link()
    inside = set(link.modules())
    name = next((name for name, module in paradigm.named_modules() if module is link), "link")
    layers = {key: layer for key, layer in weighted(paradigm).items() if layer not in inside}
    generator = torch.Generator(paradigm.device).manual_seed(0)
    found = _observe({name: link}, layers, lambda: paradigm.sample(N_ROWS, nfe, generator, sampler))
    return Graph("generation", found, _used(found, {name: link, **layers}), sampler, nfe)


def recognition_graph(paradigm: Paradigm, x: Tensor) -> Graph:
    """The graph of `logits` for one image, found by classifying a few rows of x (B, C, H, W)."""
    layers = weighted(paradigm)
    found = _observe({}, layers, lambda: paradigm.logits(x[:N_ROWS]))
    return Graph("recognition", found, _used(found, layers))


def weighted(root: nn.Module) -> dict[str, nn.Module]:
    """Modules that own weight matrices or kernels, by name; if there are none, those that own vectors, then scalars."""
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
    # Calls of a layer that contains other layers are not counted, only the products with its own weights.
    leaves = {name: layer for name, layer in layers.items() if not any(c in layers.values() for c in _below(layer))}
    counter = FlopCounterMode(display=False, custom_mapping=CPU_ATTENTION)
    with counter, record(links | leaves, meter=counter.get_total_flops) as calls, _Products(layers, calls):
        run()
    return [Evaluation(call.name, tuple(call.times[:1].flatten().tolist()), call.flops / call.rows) for call in calls]


def _below(module: nn.Module) -> Iterator[nn.Module]:
    return (child for child in module.modules() if child is not module)


class _Products(TorchFunctionMode):
    """Adds to `calls` the products with weights of `layers` that happen outside every recorded call.

    Consecutive products with the weights of one layer are one evaluation, such as the two passes of a Gibbs sweep.
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
