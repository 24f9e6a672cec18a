"""Images that are too many for the device stay on the host, and training on them gives the same bits."""

import numpy as np
import pytest
import torch

import paradigms
from benchmarks import host_images, worker
from benchmarks.data import load
from benchmarks.data.pixels import to_float
from benchmarks.fit import Batches, Fit
from benchmarks.host_images import HostImages
from tests.benchmarks.conftest import cells_of, grid

N = 40


@pytest.fixture
def mapped(tmp_path):
    """uint8 images that are mapped from a file."""
    images = np.random.RandomState(0).randint(0, 256, (N, 1, 8, 8), np.uint8)
    np.save(tmp_path / "images.npy", images)
    return np.load(tmp_path / "images.npy", mmap_mode="r")


def test_batches_from_a_mapped_file_equal_those_from_the_device_to_the_bit(mapped):
    label = torch.arange(N) % 10
    host = Batches(HostImages(mapped, torch.device("cpu")), label, 16, 9, 0, 5)
    device = Batches(to_float(torch.from_numpy(mapped.copy())), label, 16, 9, 0, 5)
    for update in (0, 1, 4, 8):  # over several epochs
        for here, there in zip(host.at(update), device.at(update), strict=True):
            assert here.dtype == there.dtype and torch.equal(here, there)


def test_training_from_a_mapped_file_gives_the_same_weights_to_the_bit(mapped):
    states = []
    for images in (HostImages(mapped, torch.device("cpu")), to_float(torch.from_numpy(mapped.copy()))):
        torch.manual_seed(0)
        paradigm = paradigms.load("end_to_end")((1, 8, 8), 10, network="mlp", widths=(8,))
        Fit(paradigm, images, torch.arange(N) % 10, [3])()
        states.append(paradigm.state_dict())
    assert all(torch.equal(states[0][name], value) for name, value in states[1].items())


def opened(tmp_path):
    dataset = load("digits")
    (cell,) = cells_of(grid(["Succeed"]), "quality")
    return worker.open_job(cell.model_copy(update={"data_hash": dataset.hash, "scores": []}), tmp_path, {}), dataset


def test_a_data_set_above_the_threshold_stays_on_the_host_and_a_part_of_it_is_observed(tmp_path, monkeypatch):
    job, dataset = opened(tmp_path)
    assert job.host_split is None and job.split[0] is job.x and len(job.x) == len(dataset.train)
    monkeypatch.setattr(host_images, "RESIDENT_BYTES", 100 * 64 * 4)
    job, _ = opened(tmp_path)
    images, labels = job.split
    assert isinstance(images, HostImages) and len(images) == len(labels) == len(dataset.train)
    assert len(job.x) == len(job.label) == 100
    rows = host_images.observed_rows(dataset.train.images)
    assert torch.equal(job.x, to_float(torch.from_numpy(dataset.train.images))[rows])
    assert job.label.tolist() == dataset.train.labels[rows.numpy()].tolist()
