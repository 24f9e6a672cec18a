"""What an instrument may ask of a generating chain, besides drawing from it: its states, one link at a time.

A chain of `nfe` steps goes through the states 0 (noise) to `nfe` (the end, before it is made an image); link number
`step` leads from state `step` to state `step + 1`.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Chain:
    """Two optional abilities of a paradigm; what it leaves out shows as a reason beside a dash."""

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """The states (B, ...) at `step` that training on images x (B, C, H, W) and label (B,) would feed the link.

        Equal generators give the same noise at every step. At `step` = `nfe` they are the data as the chain sees them.
        """
        raise NotImplementedError

    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        """The next states of the chain of `nfe` steps from states (B, ...) at `step`: one call of the link.

        Raises NotImplementedError for a sampler whose step needs more than the state.
        """
        raise NotImplementedError
