"""Checkpoints of training: tensors and plain values in one file, with a checksum and the key of what is trained.

The file is one line of hash, then a safetensors file whose metadata holds the plain values as JSON. Nothing in it is
executed when it is read. A file that does not match its hash, or is of another training, is set aside.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_of
from safetensors.torch import save as bytes_of
from torch import Tensor

from benchmarks.errors import one_line
from benchmarks.store import atomic

ASIDE = ".damaged"  # ending of the name of a file that was set aside
PLAIN = (bool, int, float, str, type(None))


def save(path: Path, state: dict, key: str) -> None:
    """Write a checkpoint atomically: a kill at any moment leaves the previous one intact.

    path: the file.
    state: dicts, lists and tuples, at any depth, of tensors and plain values.
    key: of what is trained; `load` refuses the file under any other.

    Raises TypeError where the state holds anything else.
    """
    tensors: dict[str, Tensor] = {}
    described = json.dumps(_described(state, tensors, {}))
    content = bytes_of(tensors, {"state": described})
    atomic.write(path, _hash(content, key) + b"\n" + content)


def load(path: Path, key: str, device: torch.device) -> dict | None:
    """The state in a checkpoint; None where there is none, and where it cannot be used: then it is set aside, and one
    line on standard output says so.

    path, key: as in `save`.
    device: where the tensors are put.
    """
    try:
        found, _, content = path.read_bytes().partition(b"\n")
        if found != _hash(content, key):
            raise ValueError("damaged, or of another training: its checksum differs")
        (length,) = (int.from_bytes(content[:8], "little"),)
        described = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["state"])
        return _restored(described, tensors_of(content), device)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        print(f"checkpoint {path} is set aside ({one_line(error)}); training starts from the beginning", flush=True)
        os.replace(path, path.with_name(path.name + ASIDE))
        return None


def _hash(content: bytes, key: str) -> bytes:
    return hashlib.sha256(key.encode() + content).hexdigest().encode()


def _described(value: object, tensors: dict[str, Tensor], known: dict[int, str]) -> object:
    """The value as JSON holds it; its tensors go to `tensors`, one with several places once."""
    if isinstance(value, Tensor):
        if id(value) not in known:
            known[id(value)] = str(len(tensors))
            tensors[known[id(value)]] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": known[id(value)]}
    if isinstance(value, dict):
        return {"dict": [[_plain(name), _described(item, tensors, known)] for name, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"tuple" if isinstance(value, tuple) else "list": [_described(item, tensors, known) for item in value]}
    return _plain(value)


def _plain(value: object) -> object:
    if not isinstance(value, PLAIN):
        raise TypeError(f"a checkpoint holds tensors and plain values, not {type(value).__name__}")
    return value


def _restored(value: object, tensors: dict[str, Tensor], device: torch.device) -> object:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content].to(device)
    if kind == "dict":
        return {name: _restored(item, tensors, device) for name, item in content}
    items = [_restored(item, tensors, device) for item in content]
    return tuple(items) if kind == "tuple" else items
