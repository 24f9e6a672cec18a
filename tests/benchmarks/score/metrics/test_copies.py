"""The share of copies: 0.01 for held-out images, 1 for training images with and without a little noise."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import data
from benchmarks.score.marks import MAX_COPIED
from benchmarks.score.metrics import copies


@pytest.fixture(scope="module")
def share():
    digits = data.load("digits")
    train, test = (torch.from_numpy(split.images) for split in (digits.train, digits.test))
    real = SimpleNamespace(train=train, test=test)
    real.once = lambda derive: derive(real)

    def measure(images):
        return copies.compute(SimpleNamespace(images=images, real=real))["copied_share"]

    return measure, digits


def test_held_out_images_give_one_per_cent(share):
    measure, digits = share
    assert measure(torch.from_numpy(digits.test.images)) == pytest.approx(0.01, abs=1 / len(digits.test))
    assert measure(torch.from_numpy(digits.validation.images)) < MAX_COPIED / 10


@pytest.mark.parametrize("noise", [0, 8, 16])
def test_training_images_with_a_little_noise_are_all_copies(share, noise):
    measure, digits = share
    added = torch.from_numpy(np.random.RandomState(0).randint(-noise, noise + 1, (200, 1, 8, 8)))
    assert measure((torch.from_numpy(digits.train.images[:200]) + added).clamp(0, 255).to(torch.uint8)) == 1


def test_half_of_the_samples_being_copies_is_half(share):
    measure, digits = share
    mixed = np.concatenate([digits.train.images[:100], digits.validation.images[:100]])
    assert measure(torch.from_numpy(mixed)) == pytest.approx(0.5, abs=0.05)
