"""A copy of a paradigm to try things on, which shares the data sets that it keeps in buffers."""

from __future__ import annotations

import copy

from paradigms.base import Paradigm


def twin(paradigm: Paradigm) -> Paradigm:
    """A deep copy but for the buffers that are not in the state dict: these are data, and large."""
    kept = dict(paradigm.named_buffers()).keys() - paradigm.state_dict().keys()
    return copy.deepcopy(paradigm, {id(buffer): buffer for name, buffer in paradigm.named_buffers() if name in kept})
