"""Data sets by name: fixed, hashed splits of uint8 images, loaded without torch and without pickle.

A new data set is one new file in this folder, and no other edit. It declares `DATASETS`, a literal dictionary: name ->
folder of its files below the data directory, or None where it needs no files. And it defines `load(name, folder)`,
which returns a `Dataset`. Modules without `DATASETS` are no data sets.

An image starts here: the worker moves the arrays to the device and scales them to [-1, 1] (`pixels`), and training and
scoring read them from the `Job`. The data directory is the option --data-dir, else the environment variable
ALEXNET_MOMENT_DATA, else a per-user cache. An absent file is downloaded and verified. A damaged file is an error that
names it; it is never overwritten.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import os
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.errors import BadInput, nearest

if TYPE_CHECKING:
    import numpy as np

ENVIRONMENT = "ALEXNET_MOMENT_DATA"
DECLARATION = "DATASETS"


@dataclass(frozen=True)
class Split:
    """One split of a data set.

    images: uint8 (N, C, H, W), in memory or mapped from a file.
    labels: int64 (N,), in 0..n_classes-1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A data set with its three fixed splits.

    name: as in `names()`.
    shape: (C, H, W) of an image.
    n_classes: number of classes.
    train, validation, test: the splits.
    note: a warning that is stored in every record, such as unverified files; empty where there is none.
    """

    name: str
    shape: tuple[int, int, int]
    n_classes: int
    train: Split
    validation: Split
    test: Split
    note: str = ""

    @cached_property
    def hash(self) -> str:
        """SHA-256 over every image and label of the three splits, in order."""
        import numpy as np  # not at the top: the command line reads names of data sets and no images

        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            digest.update(np.ascontiguousarray(split.images).reshape(-1).data)  # no copy of a mapped file
            digest.update(split.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def names() -> list[str]:
    """Every data set that a file of this folder declares, sorted. Raises BadInput as `_declared` does."""
    return sorted(_declared())


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set.

    name: as in `names()`.
    data_dir: folder with a folder per data set; None for the default.

    Raises BadInput for an unknown name, a file of this folder that cannot be imported, or data files that are not as
    published.
    """
    place = folder(name, data_dir)
    path, _ = _declared()[name]
    try:
        module = importlib.import_module(f"{__name__}.{path.stem}")
    except Exception as error:
        raise BadInput(f"data set file {path}: cannot be imported: {type(error).__name__}: {error}") from error
    return module.load(name, place)


def folder(name: str, data_dir: Path | None = None) -> Path | None:
    """Where a data set's files are, or will be downloaded to; None for one that needs no files.

    name, data_dir: as in `load`.

    Raises BadInput for an unknown name, or a data directory that is a file.
    """
    declared = _declared()
    if name not in declared:
        raise BadInput(f"data set {name!r} is unknown; allowed: {', '.join(names())}{nearest(name, names())}")
    place, (_, below) = directory(data_dir), declared[name]
    return None if below is None else place / below


def _declared() -> dict[str, tuple[Path, str | None]]:
    """Data set -> file of this folder that declares it, and the folder of its data; read without importing anything."""
    found: dict[str, tuple[Path, str | None]] = {}
    for path in sorted(file for place in __path__ for file in Path(place).glob("*.py")):
        for name, below in _declaration(path).items():
            if name in found:
                raise BadInput(f"data set {name!r}: declared by {found[name][0]} and by {path}; rename one of them")
            found[name] = path, below
    return found


def _declaration(path: Path) -> dict[str, str | None]:
    """The literal that a file assigns to DATASETS; empty where it assigns none."""
    try:
        return _literal(path.read_text(encoding="utf-8"))
    except (SyntaxError, TypeError, ValueError) as error:
        reason = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else error
        example = '{"name": "folder of its files"}'
        raise BadInput(f"data set file {path}: {reason}; {DECLARATION} must be a literal such as {example}") from None


@cache  # every preset that is read asks for the names of the data sets
def _literal(source: str) -> dict[str, str | None]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and DECLARATION in [getattr(target, "id", None) for target in node.targets]:
            return dict(ast.literal_eval(node.value))
    return {}


def directory(data_dir: Path | None = None) -> Path:
    """The data directory, which need not exist yet: `data_dir`, else $ALEXNET_MOMENT_DATA, else the per-user cache.

    Raises BadInput where it is a file.
    """
    if data_dir is None and not os.environ.get(ENVIRONMENT):
        import pooch

        return Path(pooch.os_cache("alexnet-moment")) / "data"
    chosen = Path(data_dir or os.environ[ENVIRONMENT]).expanduser()
    if chosen.exists() and not chosen.is_dir():
        raise BadInput(f"data directory {chosen}: is a file; give a folder with --data-dir or {ENVIRONMENT}")
    return chosen
