"""What a run needs to know of this machine before it can list its cells: device, data and scoring networks.

Finding out imports torch, which takes seconds, in a child process. `remembered` gives the answer of an earlier run of
the same folder, which is enough to see that nothing is left to run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import data
from benchmarks.errors import BadInput
from benchmarks.execute import fork_server
from benchmarks.execute.capacity import gpus
from benchmarks.execute.cores import cores
from benchmarks.execute.progress import Preparation
from benchmarks.plan.fingerprint import PACKAGES, ROOT
from benchmarks.plan.grid import Machine
from benchmarks.plan.preset import Preset
from benchmarks.store import atomic

PREPARE, SCORING_NETWORK = "benchmarks.plan.preflight", "benchmarks.execute.build_extractor"
STAMP = "prepared.json"
LIBRARIES = ("torch", "numpy", "scikit-learn")
AT_LEAST_SECONDS = 600.0  # for a download, or for imports from a slow disk


def prepare(preset: Preset, device: str, data_dir: Path | None, build: bool, jobs: int | None = None) -> Machine:
    """Check that this machine can run a preset, and train the scoring networks that are not cached.

    preset: the grid.
    device, data_dir: as in `session.Place`.
    build: whether to train them; without, their hashes are absent.
    jobs: as in `networks`.

    Raises BadInput where a cell cannot run, or where the check takes longer than a cell may take.
    """
    request = {"preset": preset, "device": device, "data_dir": data_dir, "build": build}
    limit = max(preset.limit_seconds, AT_LEAST_SECONDS)
    said = Preparation(f"checking preset {preset.name} and loading {', '.join(preset.datasets)}")
    try:
        answer = fork_server.ask(PREPARE, request, limit, said)
        found = networks(answer["unbuilt"], data_dir, preset.n_samples, limit, jobs)
    except ChildProcessError as error:
        raise BadInput(f"preset {preset.name!r}: the process that checks it {error}; `doctor` may say why") from None
    except TimeoutError as error:
        raise BadInput(
            f"preset {preset.name!r}: preparing it {error}, the most that its limit_seconds allows; a paradigm's file "
            "may never end its import, or give more with --set limit_seconds=..."
        ) from None
    return Machine(answer["device"], answer["data_hashes"], answer["extractors"] | found)


def networks(
    pairs: Sequence[tuple[str, str]],
    data_dir: Path | None,
    n_samples: int | str,
    limit_seconds: float | None = None,
    jobs: int | None = None,
) -> dict[tuple[str, str], str]:
    """(data set, kind) -> hash of the scoring network, which is trained where it is not cached.

    pairs: (name of a data set, kind of scoring network).
    data_dir: folder of the data sets; None for the default.
    n_samples: of the cells, whose floors are computed too; "train" for the number of training images.
    limit_seconds: wall-clock time of one network; None for no limit.
    jobs: networks that are trained at a time, each on a core; at most, and by default, one per core.
    """
    more = {"data_dir": data_dir, "n_samples": n_samples}
    requests = [{"dataset": dataset, "kind": kind, **more} for dataset, kind in pairs]
    said = Preparation(f"training scoring networks: {', '.join(f'{kind} of {dataset}' for dataset, kind in pairs)}")
    at_once = min(jobs or cores(), cores())
    return dict(zip(pairs, fork_server.ask_all(SCORING_NETWORK, requests, at_once, limit_seconds, said), strict=True))


def remember(machine: Machine, preset: Preset, results_dir: Path, device: str, data_dir: Path | None) -> None:
    """Keep what `prepare` has found in a results folder.

    machine: what it returned.
    preset, device, data_dir: its arguments.
    results_dir: results folder.
    """
    extractors = [[*pair, found] for pair, found in machine.extractors.items()]
    answer = {"device": machine.device, "data_hashes": dict(machine.data_hashes), "extractors": extractors}
    kept = {"for": _inputs(preset, device, data_dir), "answer": answer}
    atomic.write(results_dir / ".work" / STAMP, json.dumps(kept).encode())


def remembered(preset: Preset, results_dir: Path, device: str, data_dir: Path | None) -> Machine | None:
    """What `prepare` found earlier with the same code, libraries and data files; None where that is not known.

    preset, device, data_dir: as in `prepare`.
    results_dir: results folder.
    """
    try:
        stamp = json.loads((results_dir / ".work" / STAMP).read_text())
        if stamp["for"] != _inputs(preset, device, data_dir):
            return None
        answer = stamp["answer"]
        extractors = {(dataset, kind): found for dataset, kind, found in answer["extractors"]}
        return Machine(answer["device"], answer["data_hashes"], extractors)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _inputs(preset: Preset, device: str, data_dir: Path | None) -> str:
    """Hash of all that decides the answer, files by name, size and modification time."""
    files = [
        (str(path), found.st_size, found.st_mtime_ns) for path in _files(preset, data_dir) for found in [path.stat()]
    ]
    libraries = [version(name) for name in LIBRARIES]
    return hashlib.sha256(repr((preset, device, gpus(), libraries, files)).encode()).hexdigest()


def _files(preset: Preset, data_dir: Path | None) -> Iterable[Path]:
    for folder in PACKAGES:
        yield from sorted((ROOT / folder).rglob("*.py"))
    yield from (path for one in preset.variants.values() if (path := Path(one.paradigm)).is_file())
    for folder in filter(None, (data.folder(name, data_dir) for name in preset.datasets)):
        yield from sorted(path for path in folder.rglob("*") if path.is_file())
