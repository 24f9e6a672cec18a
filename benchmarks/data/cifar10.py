"""`cifar10` (Krizhevsky 2009): 32x32 colour images in the official binary version, which needs no pickle.

Read from `cifar-10-binary.tar.gz`, or from its .bin files where they lie unpacked. The official 10,000 test images are
the test split; 5,000 of the 50,000 training images, drawn evenly over the classes, are the validation split.
"""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import numpy as np

from benchmarks.data import Dataset, Split
from benchmarks.data.official import FIX, official_file, read_bytes
from benchmarks.data.splits import hold_out
from benchmarks.errors import BadInput

DATASETS = {"cifar10": "cifar10"}
ARCHIVE, HOMES = "cifar-10-binary.tar.gz", ("https://www.cs.toronto.edu/~kriz/",)
KNOWN_HASH = "md5:c32a1d4ab5d03f1284b67883e8d87530"
UNPACKED = "cifar-10-batches-bin"
TRAIN, TEST = [f"data_batch_{i}.bin" for i in range(1, 6)], ["test_batch.bin"]
PER_FILE, RECORD = 10_000, 1 + 3 * 32 * 32  # a label, then the R, G and B planes row by row
NOTE = "cifar10 was read from unpacked .bin files; only the archive has a published hash, so the pixels are unverified"


def load(name: str, folder: Path) -> Dataset:
    """CIFAR-10 from `folder`; its note warns where the files could not be verified."""
    places = [place for place in (folder / UNPACKED, folder) if (place / TEST[0]).exists()]
    if (folder / ARCHIVE).exists() or not places:
        contents, note = _from_archive(official_file(folder, ARCHIVE, HOMES, KNOWN_HASH)), ""
    else:
        contents, note = {file: read_bytes(places[0] / file) for file in TRAIN + TEST}, NOTE
    where = folder if not places else places[0]
    train, validation = hold_out(_split(where, [(file, contents[file]) for file in TRAIN]), 5000)
    return Dataset(name, (3, 32, 32), 10, train, validation, _split(where, [(f, contents[f]) for f in TEST]), note)


def _from_archive(path: Path) -> dict[str, bytes]:
    try:
        with tarfile.open(path) as archive:
            return {file: archive.extractfile(f"{UNPACKED}/{file}").read() for file in TRAIN + TEST}
    except (OSError, EOFError, KeyError, tarfile.TarError, zlib.error) as error:
        raise BadInput(f"data file {path}: cannot be unpacked ({error}); {FIX}") from None


def _split(where: Path, files: list[tuple[str, bytes]]) -> Split:
    for file, raw in files:
        if len(raw) != PER_FILE * RECORD or max(raw[::RECORD]) > 9:
            raise BadInput(
                f"data file {where / file}: is not {PER_FILE} records of {RECORD} bytes with a label in 0..9 "
                f"({len(raw)} bytes); put the official file there"
            )
    records = np.frombuffer(b"".join(raw for _, raw in files), np.uint8).reshape(-1, RECORD)
    return Split(records[:, 1:].reshape(-1, 3, 32, 32).copy(), records[:, 0].astype(np.int64))
