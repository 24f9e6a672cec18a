"""Splits, official files and what happens when they are not as published."""

import gzip
import hashlib
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks import data
from benchmarks.data import Split, cifar10, idx, official
from benchmarks.data.splits import hold_out
from benchmarks.errors import BadInput, nearest
from tests import ROOT

SHARED = ROOT.parent / "shared" / "data"
DIGITS = "151e20af452b83994670b73c37c4ef8a6cf9b779c0c53fd6d7b1bb1ee7bfda21"


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def line(info: pytest.ExceptionInfo) -> str:
    message = str(info.value)
    assert "\n" not in message
    return message


@pytest.fixture
def no_network(monkeypatch):
    def refuse(url, *_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr("pooch.retrieve", refuse)


def test_digits_are_the_pinned_ones_with_the_documented_shapes():
    digits = data.load("digits")
    assert digits.hash == DIGITS
    assert [len(split) for split in (digits.train, digits.validation, digits.test)] == [1257, 180, 360]
    assert digits.train.images.dtype == np.uint8 and digits.train.images.shape == (1257, 1, 8, 8)
    assert digits.train.labels.dtype == np.int64 and digits.shape == (1, 8, 8) and digits.n_classes == 10
    assert digits.train.images.min() == 0 and digits.train.images.max() == 255
    assert digits.note == ""


def test_the_splits_of_digits_share_no_image():
    digits = data.load("digits")
    sets = [{image.tobytes() for image in split.images} for split in (digits.train, digits.validation, digits.test)]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 1797


def test_held_out_rows_are_stratified_disjoint_and_complete():
    labels = np.repeat(np.arange(4), [40, 80, 120, 160])
    kept, held_out = hold_out(Split(np.arange(400)[:, None], labels), 100)
    assert np.bincount(held_out.labels).tolist() == [10, 20, 30, 40]
    assert sorted([*kept.images[:, 0], *held_out.images[:, 0]]) == list(range(400))


def test_one_changed_label_changes_the_hash():
    digits = data.load("digits")
    labels = digits.test.labels.copy()
    labels[7] = (labels[7] + 1) % 10
    changed = data.Dataset(
        "digits", digits.shape, 10, digits.train, digits.validation, Split(digits.test.images, labels)
    )
    assert changed.hash != digits.hash


def test_an_unknown_data_set_names_the_allowed_ones_and_the_nearest():
    with pytest.raises(BadInput) as info:
        data.load("mnits")
    assert "'mnits'" in line(info) and "cifar10, digits" in line(info) and "did you mean 'mnist'?" in line(info)
    assert nearest("zzz", data.names()) == ""


def test_a_data_directory_that_is_a_file_is_named(tmp_path):
    (file := tmp_path / "data").write_text("")
    with pytest.raises(BadInput) as info:
        data.load("mnist", file)
    assert str(file) in line(info) and "is a file" in line(info)


def test_the_data_directory_is_the_option_then_the_environment_then_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ALEXNET_MOMENT_DATA", str(tmp_path / "environment"))
    assert data.directory(tmp_path / "option") == tmp_path / "option"
    assert data.directory() == tmp_path / "environment"
    monkeypatch.delenv("ALEXNET_MOMENT_DATA")
    assert "alexnet-moment" in str(data.directory())


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_without_network_the_error_names_the_absent_file_and_the_fix(name, tmp_path, no_network):
    with pytest.raises(BadInput) as info:
        data.load(name, tmp_path)
    assert str(tmp_path / name) in line(info) and "ConnectionError" in line(info) and "--data-dir" in line(info)


def test_a_download_tries_the_next_home_and_is_checked_against_the_hash(tmp_path, monkeypatch):
    requested = []

    def retrieve(url, known_hash, fname, path):
        requested.append((url, known_hash))
        if url.startswith("first"):
            raise ValueError("wrong hash")
        return str(path / fname)

    monkeypatch.setattr("pooch.retrieve", retrieve)
    assert official.official_file(tmp_path, "a.gz", ("first/", "second/"), "md5:00") == tmp_path / "a.gz"
    assert requested == [("first/a.gz", "md5:00"), ("second/a.gz", "md5:00")]


def test_a_file_of_the_wrong_hash_is_named_and_left_alone(tmp_path, no_network):
    (file := tmp_path / "a.gz").write_bytes(b"truncated")
    with pytest.raises(BadInput) as info:
        official.official_file(tmp_path, "a.gz", ("home/",), f"sha256:{hashlib.sha256(b'truncated file').hexdigest()}")
    assert str(file) in line(info) and "sha256 is" in line(info) and "delete it" in line(info)
    assert file.read_bytes() == b"truncated"


def test_an_unreadable_file_is_named(tmp_path, no_network):
    (folder := tmp_path / "a.gz").mkdir()
    with pytest.raises(BadInput) as info:
        official.official_file(tmp_path, "a.gz", ("home/",), "md5:00")
    assert str(folder) in line(info) and "cannot be read" in line(info)


def test_an_idx_file_is_read_as_written(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx_bytes(array)))
    assert np.array_equal(idx.read_idx(tmp_path / "a.gz"), array)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"plain text", "not a whole gzip file"),
        (gzip.compress(idx_bytes(np.zeros((9, 9), np.uint8)))[:-12], "not a whole gzip file"),
        (gzip.compress(idx_bytes(np.zeros((9, 9), np.uint8))[:-1]), "holds 80 values, its header says 81"),
        (gzip.compress(b"\0\0\x0d\1" + b"\0" * 8), "not an IDX file of unsigned bytes"),
        (gzip.compress(b"\0\0\x08\3\0"), "not an IDX file of unsigned bytes"),
        (gzip.compress(b""), "not an IDX file of unsigned bytes"),
    ],
    ids=["not gzip", "truncated gzip", "truncated values", "floats", "truncated header", "empty"],
)
def test_a_damaged_idx_file_is_one_line(content, reason, tmp_path):
    (file := tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(BadInput) as info:
        idx.read_idx(file)
    assert str(file) in line(info) and reason in line(info)


@pytest.fixture
def small_cifar(monkeypatch):
    """Files of 1,200 records each, whose label and pixels say where they stand."""
    monkeypatch.setattr(cifar10, "PER_FILE", 1200)
    files = {}
    for number, name in enumerate(cifar10.TRAIN + cifar10.TEST):
        records = np.zeros((1200, cifar10.RECORD), np.uint8)
        records[:, 0] = np.arange(1200) % 10
        records[:, 1], records[:, 1025], records[:, 2049] = number, 100 + number, 200 + number
        files[name] = records.tobytes()
    return files


def pack(files: dict[str, bytes], path: Path) -> None:
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            (entry := tarfile.TarInfo(f"cifar-10-batches-bin/{name}")).size = len(content)
            archive.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize("place", ["cifar10", "cifar10/cifar-10-batches-bin"])
def test_unpacked_cifar_files_are_read_with_a_note_that_they_are_unverified(place, tmp_path, small_cifar, no_network):
    (folder := tmp_path / place).mkdir(parents=True)
    for name, content in small_cifar.items():
        (folder / name).write_bytes(content)
    dataset = data.load("cifar10", tmp_path)
    assert dataset.train.images.shape == (1000, 3, 32, 32) and len(dataset.validation) == 5000
    assert dataset.test.images[:, :, 0, 0].tolist() == [[5, 105, 205]] * 1200
    assert dataset.test.labels.tolist() == [i % 10 for i in range(1200)]
    assert "unverified" in dataset.note


def test_the_verified_cifar_archive_needs_no_note(tmp_path, small_cifar, monkeypatch, no_network):
    pack(small_cifar, path := tmp_path / "cifar10" / cifar10.ARCHIVE)
    monkeypatch.setattr(cifar10, "KNOWN_HASH", f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}")
    dataset = data.load("cifar10", tmp_path)
    assert dataset.note == "" and dataset.test.images[:, :, 0, 0].tolist() == [[5, 105, 205]] * 1200
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadInput) as info:
        data.load("cifar10", tmp_path)
    assert str(path) in line(info) and "md5 is" in line(info)


def test_a_cifar_file_of_the_wrong_size_or_with_a_wrong_label_is_named(tmp_path, small_cifar, no_network):
    (folder := tmp_path / "cifar10").mkdir()
    for name, content in small_cifar.items():
        (folder / name).write_bytes(content)
    for damaged in (small_cifar["data_batch_3.bin"][:-1], b"\x0b" + small_cifar["data_batch_3.bin"][1:]):
        (folder / "data_batch_3.bin").write_bytes(damaged)
        with pytest.raises(BadInput) as info:
            data.load("cifar10", tmp_path)
        assert str(folder / "data_batch_3.bin") in line(info)


@pytest.mark.parametrize(("name", "n"), [("mnist-1k", 1_000), ("mnist-10k", 10_000)])
def test_a_subset_has_training_images_of_its_whole_evenly_over_the_classes_and_the_same_test(name, n, monkeypatch):
    rng = np.random.RandomState(0)
    parts = {
        "train": data.Split(rng.randint(256, size=(60_000, 1, 2, 2), dtype=np.uint8), rng.randint(10, size=60_000)),
        "t10k": data.Split(rng.randint(256, size=(100, 1, 2, 2), dtype=np.uint8), rng.randint(10, size=100)),
    }
    monkeypatch.setattr(idx, "_split", lambda name, folder, part: parts[part])
    whole, subset = data.load("mnist"), data.load(name)
    assert subset.name == name and len(subset.train) == n and subset.hash != whole.hash
    assert subset.test is whole.test and np.array_equal(subset.validation.images, whole.validation.images)
    share = np.bincount(whole.train.labels) * n / len(whole.train)
    assert np.abs(np.bincount(subset.train.labels) - share).max() <= 1
    rows = {row.tobytes() for row in whole.train.images}
    assert all(row.tobytes() in rows for row in subset.train.images[:100])


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_official_files_give_the_documented_splits(name):
    if not (SHARED / name).is_dir():
        pytest.skip(f"the official files of {name} are not beside the project")
    dataset = data.load(name, SHARED)
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [55000, 5000, 10000]
    # Classes are unequal in MNIST by up to 24 %, so stratified means equal shares, up to one row.
    whole = np.bincount(dataset.train.labels) + np.bincount(dataset.validation.labels)
    assert np.abs(np.bincount(dataset.validation.labels) - whole / 12).max() <= 1
    assert dataset.note == ""
