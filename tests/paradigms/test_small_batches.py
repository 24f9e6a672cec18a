"""A batch too small for a part of the loss that the options ask for is refused; the least allowed batch trains."""

import pytest
import torch

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.options import with_images_for

SHAPE = (1, 2, 2)

# paradigm, options, least batch size
LEAST = [
    ("shortcut", {}, 3),  # a quarter of 2 images rounds to none
    ("shortcut", {"consistent_share": 0.5}, 2),
    ("shortcut", {"consistent_share": 0.1}, 6),
    ("shortcut", {"consistent_share": 0.9}, 5),  # fewer leave no image for flow matching
    ("shortcut", {"consistent_share": 0.0}, 1),
    ("meanflow", {}, 4),  # two intervals, one of them near t = 1
    ("meanflow", {"corner_share": 0.0}, 2),
    ("meanflow", {"corner_share": 1.0}, 2),
    ("meanflow", {"interval_share": 0.0}, 1),
    ("meanflow", {"interval_share": 1.0, "corner_share": 0.0}, 1),
    ("meanflow", {"interval_share": 1.0}, 2),
    ("meanflow", {"interval_share": 0.25}, 6),
]


def made(name, batch_size, options):
    torch.manual_seed(0)
    return load(name)(SHAPE, 2, backbone="mlp", width=32, batch_size=batch_size, **options)


@pytest.mark.parametrize(("name", "options", "least"), LEAST, ids=str)
def test_the_least_batch_has_a_finite_loss_and_every_smaller_one_is_refused(name, options, least):
    paradigm = made(name, least, options)
    batch = Batch(torch.rand(least, *SHAPE), torch.zeros(least, dtype=torch.int64))
    paradigm.observe(*batch)
    assert paradigm.loss(batch).isfinite()
    for batch_size in range(least):
        with pytest.raises(ValueError, match=rf"^batch_size = {batch_size}; allowed: {least} or more[^\n]*$"):
            made(name, batch_size, options)


def test_the_error_names_the_shares_that_a_small_batch_would_lose():
    with pytest.raises(ValueError, match=r"; with fewer, consistent_share = 0\.25 rounds to a part without images$"):
        made("shortcut", 2, {})
    both = r"interval_share = 0\.4, corner_share = 0\.5 rounds to a part without images$"
    with pytest.raises(ValueError, match=both):
        made("meanflow", 1, {})


def test_a_tiny_share_is_refused_without_counting_up_to_the_least_batch():
    with pytest.raises(ValueError, match=r"^batch_size = 64; allowed: 5\d{11} or more"):
        with_images_for(lambda n: [n - round(1e-12 * n), round(1e-12 * n)], 64, share=1e-12)
