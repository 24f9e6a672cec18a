"""What the halves of a cell work with: configuration, data on the device, scoring networks, folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from benchmarks.data import Dataset
from benchmarks.plan.cell import Cell
from benchmarks.store.trained import Trained
from paradigms import load
from paradigms.base import Paradigm
from paradigms.parts.networks.shared_network import SharedNetwork, accelerate


@dataclass
class Job:
    """What a cell works with: its configuration, its folders, its data on the device, its scoring networks.

    precision: in which the networks that `build` has built run, "float32" or "bfloat16 autocast"; None before.
    """

    cell: Cell
    results_dir: Path
    dataset: Dataset
    extractors: tuple[nn.Module, ...]
    device: torch.device
    x: torch.Tensor
    label: torch.Tensor
    precision: str | None = None

    @property
    def work_dir(self) -> Path:
        """Where its log, checkpoint and progress are."""
        return self.results_dir / ".work" / self.cell.work_stem

    @property
    def trained(self) -> Trained:
        """The folder of its weights."""
        return Trained(self.results_dir, self.cell.trained_stem)

    def build(self) -> Paradigm:
        """The untrained paradigm on the device, the same for a seed whatever came before."""
        torch.manual_seed(self.cell.seed)
        options = self.cell.options | self.cell.changes
        paradigm = load(self.cell.paradigm)(self.dataset.shape, self.dataset.n_classes, **options)
        paradigm.seed = self.cell.seed
        paradigm.to(self.device)
        accelerate(paradigm, self.cell.compute)
        ways = {way for net in paradigm.modules() if isinstance(net, SharedNetwork) for way in net.ways}
        self.precision = "bfloat16 autocast" if "bfloat16" in ways else "float32"
        with torch.no_grad():
            paradigm.observe(self.x, self.label)
        return paradigm.eval()

    def samplers(self, paradigm: Paradigm) -> list[str]:
        """The samplers to measure: those asked for, else the paradigm's first; none if it is not to sample."""
        if not paradigm.can("sample") or "samples" not in self.cell.scores:
            return []
        return list(self.cell.samplers) or [paradigm.samplers[0]]
