"""A file of samples that is damaged, or made to harm, is left out by name; the report goes on."""

import io
import os
import warnings
import zipfile

import numpy as np
import pytest

from benchmarks.report.frames.samples_file import MAX_BYTES, arrays

IMAGES = np.zeros((16, 1, 8, 8), np.uint8)
GOOD = {"real": IMAGES, "euler_1": IMAGES, "path": np.zeros((5, 3, 1, 8, 8), np.uint8)}


def npy(shape, dtype="|u1", content=b""):
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def test_what_a_cell_writes_is_read(tmp_path):
    np.savez_compressed(path := tmp_path / "a.npz", **GOOD)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {name: array.shape for name, array in arrays(path).items()} == {k: v.shape for k, v in GOOD.items()}
        assert arrays(tmp_path / "absent.npz") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"real": None}, "lacks the array 'real'"),
        ({"real": IMAGES[0, 0, 0]}, "'real'"),
        ({"euler_1": IMAGES.astype(float)}, "'euler_1' is float64"),
        ({"euler_1": IMAGES[:, 0]}, "'euler_1' is uint8"),
        ({"euler_1": IMAGES[:, :, :4]}, "must be uint8 images of shape (1, 8, 8)"),
        ({"path": IMAGES}, "'path'"),
        ({"euler_1": IMAGES[:0]}, "'euler_1'"),
        ({"euler_1": np.array([{}], dtype=object)}, "object"),
    ],
)
def test_arrays_of_another_kind_are_named(tmp_path, change, said):
    kept = {name: array for name, array in (GOOD | change).items() if array is not None}
    np.savez_compressed(path := tmp_path / "a.npz", **kept)
    with pytest.warns(UserWarning, match=r"samples .*a\.npz") as caught:
        assert arrays(path) is None
    line = str(caught[0].message)
    assert said in line.lower() or (said in line and "\n" not in line)


@pytest.mark.parametrize("name", ["empty", "text", "bare", "huge header", "bomb", "truncated"])
def test_other_files_are_left_out_without_using_memory(tmp_path, name):
    path, whole = tmp_path / "a.npz", io.BytesIO()
    np.savez_compressed(whole, **GOOD)
    if name == "bare":
        with path.open("wb") as file:
            np.save(file, IMAGES)
    elif name in ("huge header", "bomb"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            content = npy((10**11,)) if name == "huge header" else npy((MAX_BYTES,), content=bytes(MAX_BYTES))
            archive.writestr("real.npy", content)
    else:
        path.write_bytes({"empty": b"", "text": b"no zip", "truncated": whole.getvalue()[:-40]}[name])
    with pytest.warns(UserWarning, match=r"samples .*a\.npz"):
        assert arrays(path) is None


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.npz")
    assert arrays(tmp_path / "a.npz") is None
