"""State dicts on disk, in safetensors: no pickle is ever read."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_model
from torch import Tensor, nn

from benchmarks.errors import BadInput


def save(module: nn.Module, path: Path) -> None:
    """Write the state dict to `path`, whole or not at all. A tensor under several names is written once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    save_model(module, str(fresh))
    os.replace(fresh, path)


def load(path: Path, device: torch.device | str) -> dict[str, Tensor]:
    """The state dict in `path`, every name included. Raises BadInput where the file is none."""
    try:
        with safe_open(path, "pt", device=str(device)) as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            shared = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise BadInput(f"weights {path}: cannot be read: {' '.join(str(error).split())[:200]}") from None
    return found | {name: found[kept] for name, kept in shared.items() if kept in found}


def load_into(module: nn.Module, path: Path, device: torch.device | str) -> None:
    """Give `module` the weights in `path`. Raises BadInput where they do not fit it."""
    try:
        module.load_state_dict(load(path, device))
    except RuntimeError as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"weights {path}: do not fit {type(module).__name__}: {said}") from None
