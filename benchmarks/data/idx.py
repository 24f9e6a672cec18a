"""`mnist` (LeCun et al. 1998) and `fashion-mnist` (Xiao et al. 2017): 28x28 grey images in IDX files.

The official 10,000 test images are the test split; 5,000 of the 60,000 training images, drawn evenly over the classes,
are the validation split. `mnist-1k` and `mnist-10k` are `mnist` with 1,000 and 10,000 of the other 55,000 images for
training, drawn in the same way.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.data import Dataset, Split
from benchmarks.data.official import FIX, official_file, read_bytes
from benchmarks.data.splits import hold_out
from benchmarks.errors import BadInput

DATASETS = {"mnist": "mnist", "mnist-1k": "mnist", "mnist-10k": "mnist", "fashion-mnist": "fashion-mnist"}
HOMES = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
}
SHA256 = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
}
UNSIGNED_BYTE = 0x08
SUBSETS = {"mnist-1k": 1_000, "mnist-10k": 10_000}


def load(name: str, folder: Path) -> Dataset:
    """The data set from its four official files in `folder`."""
    if name in SUBSETS:
        whole = load("mnist", folder)
        return replace(whole, name=name, train=hold_out(whole.train, SUBSETS[name])[1])
    train, validation = hold_out(_split(name, folder, "train"), 5000)
    return Dataset(name, (1, 28, 28), 10, train, validation, _split(name, folder, "t10k"))


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in a gzipped IDX file. Raises BadInput where the file is of another format, or truncated."""
    try:
        raw = gzip.decompress(read_bytes(path))
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"data file {path}: is not a whole gzip file ({error}); {FIX}") from None
    if len(raw) < 4 or raw[:3] != bytes([0, 0, UNSIGNED_BYTE]) or len(raw) < 4 + 4 * raw[3]:
        raise BadInput(f"data file {path}: is not an IDX file of unsigned bytes (it begins {raw[:4]!r}); {FIX}")
    start = 4 + 4 * raw[3]
    shape = struct.unpack(f">{raw[3]}I", raw[4:start])
    if len(raw) - start != math.prod(shape):
        raise BadInput(f"data file {path}: holds {len(raw) - start} values, its header says {math.prod(shape)}; {FIX}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _split(name: str, folder: Path, part: str) -> Split:
    images, labels = (
        read_idx(official_file(folder, file, HOMES[name], f"sha256:{SHA256[name][file]}"))
        for file in (f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz")
    )
    return Split(images[:, None].copy(), labels.astype(np.int64))
