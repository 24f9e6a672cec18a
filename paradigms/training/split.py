"""One batch split over several processes, the ranks, so that a loss sees some of its rows and computes the same.

Rank r of n has the rows r, r + n, r + 2 n, ... of the whole batch. A loss that is a mean over rows needs nothing: the
mean of the ranks' gradients is the gradient of the whole batch, because random numbers of rows are drawn for the whole
batch on every rank, and each keeps those of its own rows. Every other loss says what it needs:

whole            the rows of all ranks, for a loss that compares rows with one another, such as a distance between sets
part             rows of one kind, where the place of a row in the batch decides what its loss is
alike            random numbers that belong to no row: they are equal on every rank
mean_over_ranks  a mean over rows, where the loss is not linear in it

In one process, and outside of a split loss, they return what they are given and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributed import all_gather, all_reduce
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map


class Share(NamedTuple):
    """The rows of one rank among the rows start, ..., stop - 1 of the whole batch.

    rank: of this process, 0 to n_ranks - 1.
    n_ranks: number of processes.
    start, stop: of the rows that are meant, the whole batch or a part of it.
    """

    rank: int
    n_ranks: int
    start: int
    stop: int

    @property
    def n_whole(self) -> int:
        """Number of rows of all ranks."""
        return self.stop - self.start

    def of(self, rank: int) -> slice:
        """Places of a rank's rows among the rows start, ..., stop - 1."""
        return slice((rank - self.start) % self.n_ranks, None, self.n_ranks)

    def n_of(self, rank: int) -> int:
        """Number of a rank's rows."""
        return len(range(self.n_whole)[self.of(rank)])

    @property
    def own(self) -> slice:
        """Places of this rank's rows."""
        return self.of(self.rank)

    @property
    def n_own(self) -> int:
        """Number of this rank's rows."""
        return self.n_of(self.rank)


_share: ContextVar[Share | None] = ContextVar("share", default=None)


@contextmanager
def _sharing(share: Share | None) -> Iterator[None]:
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


@contextmanager
def splitting(rank: int, n_ranks: int, n_rows: int) -> Iterator[None]:
    """Inside, this process computes with its rows of a whole batch of `n_rows`."""
    with _sharing(Share(rank, n_ranks, 0, n_rows)), _DrawsForAll():
        yield


def n_whole(n: int) -> int:
    """Returns the number of rows of the whole batch, of which this process has n."""
    share = _share.get()
    return n if share is None else share.n_whole


def own(rows: Tensor) -> Tensor:
    """Returns this process's rows of a tensor that is equal on every rank, (B, ...) -> (own B, ...)."""
    share = _share.get()
    return rows if share is None else rows[share.own]


@contextmanager
def part(start: int, stop: int) -> Iterator[slice]:
    """Inside, rows are those with the places start, ..., stop - 1 in the whole batch; gives which of this process's
    rows these are."""
    share = _share.get()
    if share is None:
        yield slice(start, stop)
        return
    before, inside = (share._replace(start=low, stop=high) for low, high in ((0, start), (start, stop)))
    with _sharing(inside):
        yield slice(before.n_own, before.n_own + inside.n_own)


def alike() -> AbstractContextManager[None]:
    """Returns a context in which random numbers belong to no row of the batch and are equal on every rank."""
    return _sharing(None)


def whole(rows: Tensor) -> Tensor:
    """Returns the rows of all ranks in the order of the whole batch, (own B, ...) -> (B, ...), with their gradient.

    Raises ValueError where `rows` are not as many as this process has.
    """
    share = _share.get()
    if share is None:
        return rows
    if len(rows) != share.n_own:
        raise ValueError(f"whole() of {len(rows)} rows, where the batch has {share.n_own} on this rank; use part()")
    return _Gathered.apply(rows, share)


def mean_over_ranks(value: Tensor) -> Tensor:
    """Returns the mean of a tensor over all ranks, without gradient: of means over rows, the one of the whole batch.

    It presumes equally many rows on every rank, as in the whole batch.
    """
    share = _share.get()
    return value if share is None else summed(value) / share.n_ranks


def summed(value: Tensor) -> Tensor:
    """Returns the sum of a tensor over all ranks, without gradient."""
    total = value.detach().clone(memory_format=torch.contiguous_format)
    all_reduce(total)
    return total


def gathered(rows: Tensor, share: Share) -> Tensor:
    """Returns the rows of all ranks in the order of the whole batch, without gradient."""
    # All ranks must send equally much, and a rank may have one row less than another.
    padded = rows.new_zeros(-(-share.n_whole // share.n_ranks), *rows.shape[1:])
    padded[: len(rows)] = rows.detach()
    received = [torch.empty_like(padded) for _ in range(share.n_ranks)]
    all_gather(received, padded)
    found = rows.new_empty(share.n_whole, *rows.shape[1:])
    for rank, theirs in enumerate(received):
        found[share.of(rank)] = theirs[: share.n_of(rank)]
    return found


class _Gathered(torch.autograd.Function):
    """Rows of all ranks from those of each; the gradient of a row is summed over the ranks, all of which use it."""

    @staticmethod
    def forward(ctx, rows: Tensor, share: Share) -> Tensor:
        ctx.share = share
        return gathered(rows, share)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return _SummedOwn.apply(gradient, ctx.share), None


class _SummedOwn(torch.autograd.Function):
    """Own rows of the sum over the ranks; the transpose of `_Gathered`."""

    @staticmethod
    def forward(ctx, rows: Tensor, share: Share) -> Tensor:
        ctx.share = share
        return summed(rows)[share.own].contiguous()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return _Gathered.apply(gradient, ctx.share), None


class _DrawsForAll(TorchDispatchMode):
    """Draws random numbers of rows for the whole batch and keeps those of own rows, as one process would draw them.

    Numbers of rows are those whose first dimension has as many places as this process has rows. Where that is another
    dimension by chance, `alike` says so.
    """

    def __torch_dispatch__(self, func: Callable, types, args=(), kwargs=None):
        share, kwargs = _share.get(), kwargs or {}
        if share is None or torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        widened = [_widened(value, share) for value in args]
        more = {name: _widened(value, share) for name, value in kwargs.items()}
        drawn = func(*widened, **more)
        if not func._schema.is_mutable:
            return tree_map(lambda value: _cut(value, share), drawn)
        for given, used in zip(args, widened, strict=True):
            if given is not used and isinstance(given, Tensor):
                given.copy_(used[share.own])
        return args[0] if drawn is widened[0] else drawn


def _widened(value: object, share: Share) -> object:
    """A tensor of rows, or a size of one, for the whole batch; what other ranks' rows hold decides nothing here."""
    if isinstance(value, Tensor) and value.dim() and len(value) == share.n_own:
        wide = value.new_ones(share.n_whole, *value.shape[1:])
        wide[share.own] = value
        return wide
    if isinstance(value, list | tuple) and value and value[0] == share.n_own and all(type(n) is int for n in value):
        return [share.n_whole, *value[1:]]
    return value


def _cut(value: object, share: Share) -> object:
    rows = isinstance(value, Tensor) and value.dim() and len(value) == share.n_whole
    return value[share.own].contiguous() if rows else value
