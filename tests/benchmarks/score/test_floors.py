"""Floors of the FID: a perfect sampler of the training split scores 1, and the cache returns what was computed."""

import json
import multiprocessing

import numpy as np
import pytest
import torch

from benchmarks import data
from benchmarks.data import Dataset, Split
from benchmarks.execute import build_extractor
from benchmarks.score import floors
from benchmarks.score.extractors import cache
from benchmarks.score.metrics import frechet
from benchmarks.score.scored_samples import RealImages


class Pixels(torch.nn.Module):
    """Features of a 2x2 image are its pixels."""

    name = "pixels"

    def __init__(self, hash="0123456789abcdef", folder=None):
        super().__init__()
        self.hash, self.folder = hash, folder

    def forward(self, images):
        return images.flatten(1).double()


def noise(seed: int) -> Dataset:
    random = np.random.RandomState(seed)
    sizes = (60, 20, 50)
    splits = [Split(random.randint(0, 256, (n, 1, 2, 2)).astype(np.uint8), np.arange(n) % 2) for n in sizes]
    return Dataset("noise", (1, 2, 2), 2, *splits)


def of(network: Pixels, dataset: Dataset | None = None, n: int = 40) -> dict:
    return floors.floors(RealImages(dataset or noise(0), [network], n).by_extractor[0], n)


def ratios_of_a_perfect_sampler(dataset: Dataset, n: int, n_draws: int) -> list[tuple[float, float]]:
    """Per extractor: mean FID ratio of fresh draws of training images, and its standard error."""
    networks = cache.load_all(dataset)
    real, random, found = RealImages(dataset, networks, n), np.random.RandomState(7), []
    for index, features in enumerate(real.by_extractor):
        train, floor = features.train(), real.once(frechet.references)[index].test
        rows = [random.randint(len(train), size=n) for _ in range(n_draws)]
        ratios = [frechet.ratio(train[drawn], real, index)["fid_ratio"] for drawn in rows]
        # The floor is a mean of N_DRAWS draws, and this one of n_draws with the same spread.
        found.append((np.mean(ratios), floor.se / floor.mean * (1 + floors.N_DRAWS / n_draws) ** 0.5))
    return found


def test_a_perfect_sampler_of_the_digits_scores_one_by_both_extractors():
    # Two standard errors, 2 % to 4 %: the draws are fixed, so other networks of other computers hardly change the mean.
    found = ratios_of_a_perfect_sampler(data.load("digits"), 1257, 150)
    assert [ratio for ratio, _ in found] == [pytest.approx(1, abs=2 * error) for _, error in found]


def test_a_perfect_sampler_of_mnist_scores_one_by_both_extractors():
    if not (data.directory() / "mnist").is_dir():
        pytest.skip(f"MNIST is not in the data directory ({data.ENVIRONMENT})")
    dataset = data.load("mnist")
    if not all(cache.hash_of(dataset, kind) for kind in cache.KINDS):
        pytest.skip("the scoring networks of MNIST are not cached; building them takes minutes")
    found = ratios_of_a_perfect_sampler(dataset, 2000, 150)
    assert [ratio for ratio, _ in found] == [pytest.approx(1, abs=2 * error) for _, error in found]


def test_the_fast_distance_is_that_of_torchmetrics():
    random = np.random.RandomState(3)
    x, y = (torch.from_numpy(random.randn(n, 16) @ random.randn(16, 16)) for n in (200, 150))
    expected = frechet.frechet_distance(x, y)
    assert floors.Distance(y)(*floors.moments(x)) == pytest.approx(expected, rel=1e-8)


def test_floors_are_read_from_the_cache_and_computed_again_where_the_file_is_damaged(tmp_path, monkeypatch):
    network = Pixels(folder=tmp_path)
    computed = of(network)
    (file,) = tmp_path.iterdir()
    assert computed == of(Pixels()) and file.name.startswith("pixels-01234567-floors-")
    text = file.read_text()
    with monkeypatch.context() as patched:
        patched.setattr(floors, "_computed", lambda *_: pytest.fail("computed again"))
        assert of(network) == computed
    changed = json.loads(text)
    changed["floors"]["test"]["mean"] *= 2
    for damaged in (text[:-30], "", "[]", "{}", json.dumps(changed)):
        file.write_text(damaged)
        assert of(network) == computed and file.read_text() == text


def test_other_data_networks_numbers_of_images_and_of_draws_have_other_floors(tmp_path, monkeypatch):
    of(Pixels(folder=tmp_path))
    of(Pixels("f" * 16, tmp_path))
    of(Pixels(folder=tmp_path), noise(1))
    of(Pixels(folder=tmp_path), n=41)
    monkeypatch.setattr(floors, "N_DRAWS", 30)
    of(Pixels(folder=tmp_path))
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("n_samples", [100, "train", None])
def test_the_process_that_builds_a_scoring_network_computes_the_floors_of_the_cells(n_samples, tmp_path, monkeypatch):
    network = Pixels(folder=tmp_path)
    monkeypatch.setattr(cache, "load_all", lambda *_, **__: (network,))
    monkeypatch.setattr(floors, "N_DRAWS", 3)
    assert build_extractor.answer("digits", "cnn", n_samples=n_samples) == network.hash
    monkeypatch.setattr(floors, "_computed", lambda *_: pytest.fail("computed again"))
    assert bool(list(tmp_path.iterdir())) == (n_samples is not None)
    if n_samples:
        dataset = data.load("digits")
        of(network, dataset, len(dataset.train) if n_samples == "train" else n_samples)


def test_processes_that_compute_the_same_floors_at_once_leave_one_whole_file(tmp_path):
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=of, args=(Pixels(folder=tmp_path / "new"),)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0] and len(list((tmp_path / "new").iterdir())) == 1
    assert of(Pixels(folder=tmp_path / "new")) == of(Pixels())


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path):
    (blocked := tmp_path / "file").write_text("")
    assert of(Pixels(folder=blocked)) == of(Pixels())
