"""Rows of a batch on one of several ranks: their random numbers are those that one process draws for them."""

import pytest
import torch
from torch.nn import functional as F

from paradigms.training.split import alike, n_whole, own, part, splitting, whole

N = 10
DRAWS = {
    "randn_like": lambda x: torch.randn_like(x),
    "rand": lambda x: torch.rand(len(x), 3),
    "randint": lambda x: torch.randint(5, (len(x),)),
    "with a generator": lambda x: torch.randn(x.shape, generator=torch.Generator().manual_seed(3)),
    "in place": lambda x: torch.empty_like(x).uniform_(-1, 1),
    "bernoulli": lambda x: torch.bernoulli(x),
    "multinomial": lambda x: torch.multinomial(x, 1),
    "dropout": lambda x: F.dropout(x, 0.5),
    "dropout of channels": lambda x: F.dropout2d(x[:, :, None, None].expand(-1, -1, 2, 2), 0.5),
    "gumbel": lambda x: F.gumbel_softmax(x),
    "normal of means": lambda x: torch.normal(x, x),
    "one number for all": lambda x: x + torch.rand(()),
}


def rows():
    return torch.linspace(0.1, 0.9, N)[:, None].repeat(1, 4)


@pytest.mark.parametrize("n_ranks", [2, 3])
@pytest.mark.parametrize("draw", DRAWS)
def test_ranks_draw_what_one_process_draws_for_their_rows(draw, n_ranks):
    torch.manual_seed(0)
    expected, after = DRAWS[draw](rows()), torch.rand(1)
    for rank in range(n_ranks):
        torch.manual_seed(0)
        with splitting(rank, n_ranks, N):
            found = DRAWS[draw](rows()[rank::n_ranks])
        assert torch.equal(found, expected[rank::n_ranks])
        assert torch.equal(torch.rand(1), after), "ranks draw differently often"


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_part_of_the_batch_is_split_as_the_whole_of_it_is(rank):
    x, kinds = torch.arange(N), torch.tensor([0] * 4 + [1] * 6)
    torch.manual_seed(0)
    expected = torch.rand(6)
    torch.manual_seed(0)
    with splitting(rank, 3, N):
        mine = x[rank::3]
        assert n_whole(len(mine)) == N and torch.equal(own(x), mine)
        with part(4, N) as others:
            assert mine[others].tolist() == [row for row in mine.tolist() if kinds[row] == 1]
            assert torch.equal(torch.rand(len(mine[others])), expected[mine[others] - 4])


def test_numbers_that_belong_to_no_row_are_equal_on_every_rank():
    torch.manual_seed(0)
    expected = torch.rand(5)
    for rank in range(2):
        torch.manual_seed(0)
        with splitting(rank, 2, N), alike():
            assert torch.equal(torch.rand(5), expected)


def test_in_one_process_nothing_changes():
    x = rows()
    assert whole(x) is x and own(x) is x and n_whole(7) == 7
    with part(2, 5) as places:
        assert places == slice(2, 5)


def test_rows_of_a_part_are_not_taken_for_those_of_the_batch():
    with splitting(0, 2, N), pytest.raises(ValueError, match=r"whole\(\) of 3 rows, where the batch has 5"):
        whole(torch.zeros(3))
