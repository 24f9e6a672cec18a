"""Damaged records, archives, samples, weights, checkpoints, scoring networks and data files, given to their readers."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import lzma
import struct
import warnings
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from safetensors.torch import save

from benchmarks import checkpoint, data, report, weights
from benchmarks.data.idx import read_idx
from benchmarks.report import figures
from benchmarks.report.frames.samples_file import arrays
from benchmarks.score import floors
from benchmarks.score.extractors import cache as extractors
from benchmarks.store import checksum, records
from benchmarks.store.trained import END, REPORT, NoWeights, Trained
from tests.benchmarks import fake_run
from tests.campaign.attempts import Attempt, main, say
from tests.campaign.mutations import bytes_of, json_of

CPU, KEY = torch.device("cpu"), "k" * 64
GOOD = [fake_run.quality("meanflow", 0, npz=False), fake_run.timing("meanflow"), fake_run.quality("dbn", 0)]
STATE = {"stage": 0, "progress": {"weights": {"a": torch.arange(64.0)}, "optimizer": {0: {"step": 3.0}}}, "points": []}


def make(rng: np.random.Generator, folder: Path) -> tuple[str, Attempt]:
    """A damaged file of one of the kinds, and the reader of that kind."""
    kinds = list(KINDS)
    kind = kinds[rng.integers(len(kinds))]
    return kind, KINDS[kind](rng, folder)


def _report(rng: np.random.Generator, folder: Path, content: bytes) -> Attempt:
    """A report of a folder with a whole record beside the damaged one, in the place of another whole one."""
    for old in (*folder.glob("cells/*"), *folder.glob("*.xz")):
        old.unlink()
    fake_run.write(folder, GOOD[2])
    (folder / "cells" / f"{fake_run.stem(GOOD[0])}.json").write_bytes(content)

    def attempt() -> str:
        with patch.object(figures, "names", lambda: []), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = report.write(folder)
        named = [str(one.message) for one in caught if "left out of the report" in str(one.message)]
        say(named)
        said = (folder / "tables" / "comparison.md").read_text()
        if "NOT IN THIS REPORT" in said:
            raise AssertionError(next(line for line in said.splitlines() if "NOT IN THIS REPORT" in line)[:300])
        if "dbn" not in set(table.variant):
            raise AssertionError("the whole record is not in the report")
        return "named" if named else "accepted"

    return attempt


def record_bytes(rng, folder):
    return _report(rng, folder, bytes_of(json.dumps(checksum.seal(GOOD[rng.integers(2)]), indent=1).encode(), rng))


def record_values(rng, folder):
    return _report(rng, folder, json_of(checksum.seal(GOOD[rng.integers(2)]), rng).encode())


def record_without_checksum(rng, folder):
    return _report(rng, folder, json_of(GOOD[rng.integers(2)], rng).encode())


def archive(rng, folder):
    lines = b"".join(json.dumps([f"{fake_run.stem(one)}.json", checksum.seal(one)]).encode() + b"\n" for one in GOOD)
    packed = rng.random() < 0.5
    content = bytes_of(lzma.compress(lines), rng) if packed else lzma.compress(bytes_of(lines, rng))
    for old in folder.glob("cells/*"):
        old.unlink()
    (folder / records.ARCHIVE).write_bytes(content)

    def attempt() -> str:
        found = [record for _, record in records.in_folder(folder)]
        whole = sum(record in GOOD for record in found)
        damaged = [str(record) for record in found if not isinstance(record, dict)]
        say(damaged)
        if whole + len(damaged) < len(found):
            raise AssertionError("a changed record was accepted")
        return "named" if damaged else "accepted"

    return attempt


def samples(rng, folder):
    images, whole = np.zeros((16, 1, 8, 8), np.uint8), io.BytesIO()
    np.savez_compressed(whole, real=images, euler_1=images, path=np.zeros((5, 3, 1, 8, 8), np.uint8))
    (path := folder / "a.npz").write_bytes(bytes_of(whole.getvalue(), rng))

    def attempt() -> str:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = arrays(path)
        say([str(one.message) for one in caught])
        return "accepted" if found else "named"

    return attempt


def trained_folder(rng, folder):
    trained = Trained(folder, "a.digits.s0.abc")
    trained.folder.mkdir(parents=True, exist_ok=True)
    content = save({"weight": torch.arange(256.0)})
    (trained.folder / END).write_bytes(content)
    trained.finish(KEY, {"flops": 1.0, "images": 1, "updates": 1, "seconds": 1.0}, [])
    name = [END, REPORT][rng.integers(2)]
    path = trained.folder / name
    damaged = bytes_of(path.read_bytes(), rng)
    same = damaged == path.read_bytes()
    path.write_bytes(damaged)

    def attempt() -> str:
        try:
            trained.report(KEY)
            trained.file()
        except NoWeights as error:
            say([str(error)])
            if trained.done(KEY):
                raise AssertionError("weights that cannot be used count as done") from None
            return "named"
        if not same and name == END:
            raise AssertionError("changed weights were accepted")
        return "accepted"

    return attempt


def weights_alone(rng, folder):
    (path := folder / "a.safetensors").write_bytes(bytes_of(save({"weight": torch.zeros(4, 4)}), rng))

    def attempt() -> str:
        weights.load_into(torch.nn.Linear(4, 4, bias=False), path, CPU)
        return "accepted"

    return attempt


def checkpoints(rng, folder):
    checkpoint.save(path := folder / "checkpoint", STATE, KEY)
    whole = path.read_bytes()
    path.write_bytes(damaged := bytes_of(whole, rng))

    def attempt() -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            found = checkpoint.load(path, KEY, CPU)
        if found is not None and damaged != whole:
            raise AssertionError("a changed checkpoint was resumed")
        say(said.getvalue().splitlines())
        return "accepted" if found else "named"

    return attempt


@cache
def _network() -> tuple:
    digits = data.load("digits")
    made = extractors._extractor(digits, "cnn", extractors.RECIPES["cnn"].untrained(digits), {"scale": 1.5})
    stored = save(made.network.state_dict(), {"facts": json.dumps(made.facts), "hash": made.hash})
    return digits, stored, made.hash


def scoring_networks(rng, folder):
    digits, stored, expected = _network()
    header = 8 + int.from_bytes(stored[:8], "little")
    damaged = bytes_of(stored[:header], rng) + stored[header:] if rng.random() < 0.5 else bytes_of(stored, rng)
    (path := folder / "network.safetensors").write_bytes(damaged)

    def attempt() -> str:
        found = extractors._read(path, digits, "cnn")
        if found is not None and found.hash != expected:
            raise AssertionError("a changed scoring network was accepted")
        return "accepted" if found else "named"

    return attempt


def floors_of_networks(rng, folder):
    numbers = {split: {"mean": 1.0, "sd": 0.1, "whole": 0.9} for split in floors.SPLITS}
    whole = json.dumps({"floors": numbers, "hash": floors._seal(KEY, numbers)})
    content = bytes_of(whole.encode(), rng) if rng.random() < 0.5 else json_of(json.loads(whole), rng).encode()
    (path := folder / "floors.json").write_bytes(content)

    def attempt() -> str:
        found = floors._read(path, KEY)
        if found and {split: floor._asdict() for split, floor in found.items()} != numbers:
            raise AssertionError("changed floors were accepted")
        return "accepted" if found else "named"

    return attempt


def data_files(rng, folder):
    raw = bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 5, 6) + bytes(120)
    content = bytes_of(gzip.compress(raw), rng) if rng.random() < 0.5 else gzip.compress(bytes_of(raw, rng))
    (path := folder / "images.gz").write_bytes(content)

    def attempt() -> str:
        read_idx(path)
        return "accepted"

    return attempt


def aa_study(rng, folder):
    header = "dataset,task,variant,sampler,nfe,column,n,mean,sd,cv\n"
    text = header + "digits,generation,a,euler,1,fid_ratio,20,1.5,0.1,0.07\n"
    (folder / "study" / "tables").mkdir(parents=True, exist_ok=True)
    (folder / "study" / "tables" / "aa.csv").write_bytes(bytes_of(text.encode(), rng))
    for old in (*folder.glob("cells/*"), *folder.glob("*.xz")):
        old.unlink()
    fake_run.write(folder, GOOD[0])

    def attempt() -> str:
        with patch.object(figures, "names", lambda: []):
            report.write(folder, folder / "study")
        return "accepted"

    return attempt


KINDS = {
    function.__name__: function
    for function in (
        record_bytes, record_values, record_without_checksum, archive, samples, trained_folder, weights_alone,
        checkpoints, scoring_networks, floors_of_networks, data_files, aa_study,
    )
}  # fmt: skip


if __name__ == "__main__":
    main(make, "Damaged records, samples, weights, checkpoints and data files")
