"""The nodes of a Slurm job that one cell has for its ranks, and how a rank on another node is started.

Ranks fill one node after the other. The batch step, and with it the first rank, runs on the first node. A rank there is
started as on one machine, a rank elsewhere by a job step, which ends with the job.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.errors import BadInput
from benchmarks.plan.cell import Cell

# Set by the batch script of a cell on several nodes, since a job of several nodes may also run many cells, as by Ray.
NODES = "ALEXNET_MOMENT_NODES"
HOW = "--engine slurm --slurm nodes=N"  # gives one cell devices of several machines
VISIBLE = "CUDA_VISIBLE_DEVICES"


def spanned() -> bool:
    """Whether the cell of this process has several nodes."""
    return NODES in os.environ


@dataclass(frozen=True)
class RankNodes:
    """The nodes of a cell.

    names: in the order of their ranks; empty where the cell has this machine alone.
    devices: of each node.
    """

    names: Sequence[str]
    devices: int

    def title(self, rank: int) -> str:
        """The rank, and the node that it runs on where there are several."""
        return f"rank {rank}" + (f" on {self.names[rank // self.devices]}" if self.names else "")

    def step(self, rank: int, cell: Cell) -> list[str]:
        """The command of srun that starts a rank on another node; empty for a rank on the first node.

        Every step has all cores and GPUs that the cell has on the node. Steps that overlap and have fewer may be given
        the same ones.
        """
        if rank < self.devices:
            return []
        wanted = [f"--nodelist={self.names[rank // self.devices]}", f"--cpus-per-task={cell.threads * self.devices}"]
        wanted += [f"--gpus-per-node={self.devices}"] if cell.device == "cuda" else []
        return ["srun", "--overlap", "--nodes=1", "--ntasks=1", *wanted, "--export=ALL", "--input=none"]


def allocated(cell: Cell) -> RankNodes:
    """The nodes that this Slurm job has for a cell. Raises BadInput where Slurm does not name them."""
    if not spanned():
        return RankNodes((), cell.devices)
    n, job = int(os.environ[NODES]), os.environ.get("SLURM_JOB_NODELIST", "")
    listed = subprocess.run(["scontrol", "show", "hostnames", job], capture_output=True, text=True)
    names = tuple(listed.stdout.split())
    if len(names) != n:
        raise BadInput(
            f"devices = {cell.devices}: the cell needs {n} nodes, and `scontrol show hostnames {job}` names "
            f"{len(names)}: {' '.join(names) or listed.stderr.strip() or '-'}"
        )
    return RankNodes(names, cell.devices // n)


def enter_step(cell: Cell, index: int) -> str:
    """Prepare the process of a rank on another node; returns the address of the first node, as that node is seen here.

    The rank sees one of the GPUs that Slurm has given to the cell on this node.

    cell: of the rank.
    index: of the rank on its node, from 0.

    Raises BadInput where the node has too few GPUs.
    """
    if cell.device == "cuda":
        shown = os.environ.get(VISIBLE)
        gpus = shown.split(",") if shown else []
        if shown is not None and index >= len(gpus):
            node = os.environ.get("SLURMD_NODENAME")
            raise BadInput(f"devices = {cell.devices}: node {node} shows {len(gpus)} GPUs to the cell, not {index + 1}")
        os.environ[VISIBLE] = gpus[index] if gpus else str(index)  # a site without GPUs as resources hides none
    return os.environ["SLURM_LAUNCH_NODE_IPADDR"]
