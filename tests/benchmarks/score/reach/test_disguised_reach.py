"""Gradient reach of losses that only look as if they trained the chain on its own states."""

import pytest
from torch import nn

from benchmarks.score.reach.reach import measure_reach
from tests.benchmarks.score import disguises


@pytest.mark.parametrize("options", [{}, {"logarithm": False}, {"sorted": True}])
def test_local_losses_on_stored_training_images_have_no_reach_however_they_are_coupled(options):
    local = disguises.build(disguises.load("local_with_logarithm"), **options)
    for parameter in local.parameters():  # outputs of 0, as before training, would hide the coupling
        nn.init.normal_(parameter, std=0.3)
    found = measure_reach(local, *disguises.images(), [4])
    assert (found["coverage"], found["on_policy_reach"], found["credit_length"]) == (1, 0, 1)
    assert found["natural_nfe"] is None
