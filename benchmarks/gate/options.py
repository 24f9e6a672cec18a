"""What the stages of a gate share: where head and base are, and the options of the command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

STAGES = ("identity", "counters", "quality", "speed")


@dataclass(frozen=True)
class Tree:
    """The source trees that a gate compares.

    head: root of the working tree, the folder that holds the packages `benchmarks` and `paradigms`.
    base: root of a worktree of the base revision; None where head is compared with a committed baseline.
    """

    head: Path
    base: Path | None = None


@dataclass(frozen=True)
class GateOptions:
    """Options of one gate.

    output: folder of gate.md, junit.xml, gate.json and of whatever a stage wants to keep.
    data_dir: folder of the data sets; None for the default.
    paradigm: variants of the preset, paradigms or paradigm files that are gated; empty for every variant.
    only: the stages to run.
    seeds_max: most training seeds that the quality stage may spend on one side.
    speed: "report" prints speeds, "enforce" lets them decide the exit code too.
    jobs: processes that measure at a time; None for one per core, at most two.
    """

    output: Path
    data_dir: Path | None = None
    paradigm: tuple[str, ...] = ()
    only: tuple[str, ...] = STAGES
    seeds_max: int = 10
    speed: Literal["report", "enforce"] = "report"
    jobs: int | None = None
