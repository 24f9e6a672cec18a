"""Paradigms that flatter an instrument, one a file, each loaded by its path; the instruments must see through them."""

from pathlib import Path

import torch

import paradigms
from paradigms.base import Batch
from tests.paradigms import contract

HERE = Path(__file__).parent


def load(name: str) -> type:
    """The paradigm of a file of this folder."""
    return paradigms.load(str(HERE / f"{name}.py"))


def images(n: int = 240) -> Batch:
    """Random images whose columns grow brighter to the right, with labels."""
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(n, *contract.SHAPE, generator=generator) * torch.linspace(0, 1, contract.SHAPE[-1])) * 2 - 1
    return Batch(x, torch.randint(contract.N_CLASSES, (n,), generator=generator))


def build(cls: type, **options):
    """An untrained paradigm that has observed `images()`."""
    torch.manual_seed(0)
    paradigm = cls(contract.SHAPE, contract.N_CLASSES, **options)
    paradigm.observe(*images())
    return paradigm.eval()
