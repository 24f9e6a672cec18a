"""The scoring network: deterministic, cached, and never in training mode."""

import os

import numpy as np
import pytest
import torch

from benchmarks import data
from benchmarks.data import Dataset, Split, extractor, inception
from benchmarks.errors import BadInput


def stripes(n: int, seed: int) -> Split:
    """Horizontal (0) and vertical (1) stripes of random phase, with noise."""
    rng = np.random.RandomState(seed)
    labels = np.arange(n) % 2
    rows = (np.arange(8)[None] + rng.randint(0, 4, (n, 1))) % 4 < 2
    images = np.where(labels[:, None, None] == 0, rows[:, :, None], rows[:, None, :]) * 200
    return Split((images + rng.randint(0, 56, (n, 8, 8))).astype(np.uint8)[:, None], labels)


@pytest.fixture
def dataset(monkeypatch) -> Dataset:
    monkeypatch.setattr(extractor, "RECIPE", (8, 60))
    return Dataset("stripes", (1, 8, 8), 2, stripes(200, 0), stripes(20, 1), stripes(100, 2))


def test_it_stays_in_eval_mode_and_without_gradients(dataset):
    network = extractor.build(dataset)
    assert network.train() is network
    torch.nn.Sequential(network).train()
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_features_are_float64_also_under_autocast_and_of_unit_mean_variance(dataset):
    network = extractor.build(dataset)
    images = torch.from_numpy(dataset.train.images)
    features = network(images)
    assert features.dtype == torch.float64 and features.shape == (200, network.num_features) == (200, 64)
    assert features.min() < 0  # before the nonlinearity
    assert float(features.var(0).mean()) == pytest.approx(1, rel=1e-5)  # float32 inside
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(images), features)
    with pytest.raises(TypeError, match="uint8"):
        network(images.float())


def test_two_builds_are_bit_equal_whatever_the_generator_and_the_threads(dataset):
    first = extractor.build(dataset)
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    second = extractor.build(dataset)
    assert first.hash == second.hash and first.accuracy == second.accuracy
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads


def test_the_cache_gives_back_what_was_built_and_a_damaged_file_is_rebuilt(dataset, tmp_path, monkeypatch):
    built = extractor.load(dataset, tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    images = torch.from_numpy(dataset.test.images)
    with monkeypatch.context() as patched:
        patched.setattr(extractor, "build", lambda _: pytest.fail("built again"))
        cached = extractor.load(dataset, tmp_path / "cache")
    assert (cached.hash, cached.name, cached.accuracy) == (built.hash, built.name, built.accuracy)
    assert torch.equal(cached(images), built(images))
    file.write_bytes(file.read_bytes()[:-100])
    assert extractor.load(dataset, tmp_path / "cache").hash == built.hash


def test_other_data_get_another_cache_entry(dataset, tmp_path):
    extractor.load(dataset, tmp_path)
    other = Dataset("stripes", (1, 8, 8), 2, stripes(200, 3), dataset.validation, dataset.test)
    extractor.load(other, tmp_path)
    assert len(os.listdir(tmp_path)) == 2


def test_a_cache_that_cannot_be_written_is_one_line(dataset, tmp_path):
    (blocked := tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written") as info:
        extractor.load(dataset, blocked)
    assert str(blocked) in str(info.value) and "\n" not in str(info.value)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
def test_one_recipe_fits_every_image_size(shape):
    network = extractor.cnn(shape, 10, 8).eval()
    assert network(torch.zeros(2, *shape, dtype=torch.uint8)).shape == (2, 10)


def test_the_digits_extractor_recognises_digits():
    # 98.9 % where it was written; bits differ between machines, and 2 more of 360 images may go wrong.
    assert extractor.load(data.load("digits")).accuracy >= 0.98


def test_inception_without_its_package_or_weights_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(inception, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="pip install torch-fidelity"):
        inception.load(tmp_path)
    monkeypatch.setattr(inception, "find_spec", lambda name: name)
    with pytest.raises(BadInput, match="absent") as info:
        inception.load(tmp_path)
    assert str(tmp_path / "inception" / inception.WEIGHTS) in str(info.value) and "\n" not in str(info.value)
