"""Arguments and options of the commands: name, type and help text, which names the thing and its default."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from benchmarks.errors import short

TRACEBACK = "--traceback"

EngineName = StrEnum("EngineName", ["local", "ray", "slurm"])


def _path(text: str) -> Path:
    """A path with ~ as the home folder, which no shell puts in the place of ~ in --results=~/results."""
    try:
        path = Path(text).expanduser()
        path.exists()  # fails for a name that is too long, and in a folder that may not be searched
    except RuntimeError:
        raise BadParameter(f"{short(text)}: there is no such home folder") from None
    except OSError as error:
        raise BadParameter(f"{short(text)}: {error.strerror}") from None
    return path


DeviceName = StrEnum("DeviceName", ["auto", "cpu", "cuda"])
AxisName = StrEnum("AxisName", ["flops", "images", "seconds"])

# Of several commands.
Traceback = Annotated[
    bool, Option(TRACEBACK, help="With any command: also print the traceback of an error; default: one line.")
]
Json = Annotated[bool, Option("--json", help="Print JSON; default: text for a terminal.")]
DataDir = Annotated[
    Path | None,
    Option(
        parser=_path,
        metavar="PATH",
        help="Folder of the data sets; default: $ALEXNET_MOMENT_DATA, else a per-user cache.",
    ),
]
Device = Annotated[
    DeviceName, Option(help="Device to compute on; auto is the GPU where torch finds one, else the CPU.")
]
Jobs = Annotated[
    int | None,
    Option(
        metavar="N",
        help="Cells that train or score at a time; default: one per GPU, else as many as cores and free memory allow.",
    ),
]

# Of `list`.
Files = Annotated[
    list[str],
    Option("--paradigm", metavar="FILE", help="Paradigm's .py file to list as well; repeatable; default: none."),
]

# Of `rescore` and `diagnose`.
Trusted = Annotated[
    list[str],
    Option(
        "--paradigm",
        metavar="FILE",
        help="Paradigm's .py file that a record names and that may be executed; repeatable; default: none.",
    ),
]

# Of `run`.
Preset = Annotated[str, Argument(help="Name of a preset, or path to a .toml file.")]
Paradigms = Annotated[
    list[str],
    Option(
        "--paradigm",
        metavar="NAME",
        help="Variant, paradigm, or path to a paradigm's .py file; repeatable; default: every variant of the preset.",
    ),
]
Seeds = Annotated[
    str | None, Option(metavar="N", help="Number of training seeds, as --set seeds=N; default: the preset's.")
]
Changes = Annotated[
    list[str],
    Option(
        "--set",
        metavar="KEY=VALUE",
        help="Value that replaces one of the preset, as in nfe=[1,4]; repeatable; default: none.",
    ),
]
Budget = Annotated[float, Option(metavar="FACTOR", help="Factor on the preset's training FLOPs.")]
DryRun = Annotated[bool, Option("--dry-run", help="Check the preset and print its cells; default: run them.")]
Results = Annotated[
    Path | None, Option(parser=_path, metavar="PATH", help="Results folder, made if absent; default: results/<preset>.")
]

Engine = Annotated[EngineName, Option(help="What starts the cells: this machine, a Ray cluster, or Slurm.")]
Slurm = Annotated[
    list[str],
    Option(
        "--slurm",
        metavar="KEY=VALUE",
        help="Option of sbatch, as in partition=gpu; nodes=M spreads each cell's devices over M nodes; repeatable, for "
        "--engine slurm; default: none.",
    ),
]

# Of `doctor`.
Selftest = Annotated[
    bool,
    Option(
        "--selftest",
        help="Instead, check the instruments against known answers, in under a minute; default: examine the machine.",
    ),
]

# Of `rescore`, `report` and `diagnose`.
Finished = Annotated[Path, Argument(parser=_path, metavar="RESULTS", help="Results folder of a run.")]
Every = Annotated[bool, Option("--all", help="Score every trained cell; default: those whose scores are out of date.")]
Axis = Annotated[
    AxisName | None, Option(help="Cost at which runs are compared; default: the end of training, whatever it cost.")
]
AA = Annotated[
    Path | None,
    Option(
        parser=_path,
        metavar="PATH",
        help="Results folder of the A/A study (the same code repeated); default: the folder aa beside "
        "RESULTS, else the committed one.",
    ),
]
Record = Annotated[
    Path, Argument(parser=_path, metavar="RECORD", help="Record of a quality cell: cells/*.json of a results folder.")
]
