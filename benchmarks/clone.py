"""Copies of a paradigm for experiments that must not change it."""

from __future__ import annotations

import copy

from paradigms.base import Paradigm


def twin(paradigm: Paradigm) -> Paradigm:
    """Returns a deep copy that shares the buffers outside the state dict, since these hold the data and are large."""
    kept = dict(paradigm.named_buffers()).keys() - paradigm.state_dict().keys()
    return copy.deepcopy(paradigm, {id(buffer): buffer for name, buffer in paradigm.named_buffers() if name in kept})
