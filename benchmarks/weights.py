"""Reads and writes state dicts as safetensors files, so that no pickle is ever loaded."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_model
from torch import Tensor, nn

from benchmarks.errors import BadInput
from benchmarks.store import atomic


def save(module: nn.Module, path: Path) -> None:
    """Write a module's state dict atomically, as `store.atomic` does.

    module: its state dict is written; a tensor with several names is written once.
    path: the file; missing folders are made.
    """
    with atomic.replacing(path) as fresh:
        save_model(module, str(fresh))


def load(path: Path, device: torch.device | str) -> dict[str, Tensor]:
    """The state dict in a file, with every name of a tensor that has several.

    path: a file that `save` has written.
    device: where the tensors are put.

    Raises BadInput where the file cannot be read.
    """
    try:
        with safe_open(path, "pt", device=str(device)) as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            shared = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise BadInput(f"weights {path}: cannot be read: {' '.join(str(error).split())[:200]}") from None
    return found | {name: found[kept] for name, kept in shared.items() if kept in found}


def load_into(module: nn.Module, path: Path, device: torch.device | str) -> None:
    """Load the weights in a file into a module.

    module: its state dict is replaced.
    path, device: as in `load`.

    Raises BadInput where the file cannot be read, or names or shapes do not fit the module.
    """
    try:
        module.load_state_dict(load(path, device))
    except RuntimeError as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"weights {path}: do not fit {type(module).__name__}: {said}") from None
