"""One cell while it runs: its settings, its images on the device, its scoring networks and its folders.

Training, scoring and timing get a `Job`. A preset's options reach the paradigm in `Job.build`; its images are `Job.x`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from benchmarks.data import Dataset
from benchmarks.flops import count_flops
from benchmarks.host_images import HostImages
from benchmarks.plan.cell import Cell
from benchmarks.store.trained import Trained
from paradigms import load
from paradigms.base import Paradigm
from paradigms.parts.networks.shared_network import SharedNetwork, accelerate
from paradigms.training.ranks import Ranks

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class Job:
    """What training, scoring and timing of a cell share.

    cell: settings.
    results_dir: results folder of the run.
    dataset: all splits, uint8.
    extractors: scoring networks, on the device; empty where nothing is scored by them.
    device: where to compute.
    x: training images (N, C, H, W), float32 in [-1, 1], on the device: all, or those that a paradigm observes.
    label: their labels (N,), int64, on the device.
    precision: in which the networks that `build` has built run, "float32" or "bfloat16 autocast"; None before.
    observed_flops: FLOPs that the paradigm of the last `build` has executed in `observe`.
    ranks: the processes of the cell, each of which has such a Job.
    host_split: the whole training split, images and labels, where it is too large for the device; else None.
    """

    cell: Cell
    results_dir: Path
    dataset: Dataset
    extractors: tuple[nn.Module, ...]
    device: torch.device
    x: torch.Tensor
    label: torch.Tensor
    precision: str | None = None
    observed_flops: int = 0
    ranks: Ranks = field(default_factory=Ranks)
    host_split: tuple[HostImages, torch.Tensor] | None = None

    @property
    def split(self) -> tuple[torch.Tensor | HostImages, torch.Tensor]:
        """Images and labels of the whole training split, which batches are drawn from."""
        return self.host_split or (self.x, self.label)

    @property
    def work_dir(self) -> Path:
        """Folder of the log, checkpoint and progress of the cell."""
        return self.results_dir / ".work" / self.cell.work_stem

    @property
    def trained(self) -> Trained:
        """The cell's weights and what training them cost."""
        return Trained(self.results_dir, self.cell.trained_stem)

    def build(self) -> Paradigm:
        """The untrained paradigm on the device, in evaluation mode.

        Its initial weights depend on the cell's seed and not on the random state before the call.
        """
        torch.manual_seed(self.cell.seed)
        options = self.cell.options | self.cell.changes
        paradigm = load(self.cell.paradigm)(self.dataset.shape, self.dataset.n_classes, **options)
        paradigm.seed = self.cell.seed
        paradigm.to(self.device)
        accelerate(paradigm, self.cell.compute)
        ways = {way for net in paradigm.modules() if isinstance(net, SharedNetwork) for way in net.ways}
        self.precision = "bfloat16 autocast" if "bfloat16" in ways else "float32"
        with torch.no_grad():
            self.observed_flops = count_flops(lambda: paradigm.observe(self.x, self.label))
        return paradigm.eval()

    def samplers(self, paradigm: Paradigm) -> list[str]:
        """Samplers to measure: the cell's, else the paradigm's first; empty where samples are not scored."""
        if not paradigm.can("sample") or "samples" not in self.cell.scores:
            return []
        return list(self.cell.samplers) or [paradigm.samplers[0]]
