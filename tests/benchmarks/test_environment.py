"""Training makes the updates that were planned, whatever Lightning's environment variables say."""

import os

import pytest
import torch

from benchmarks.fit import Fit
from tests.benchmarks.test_fit import TwoLines

ROWS = torch.randn(10, 1, 2, 2, generator=torch.Generator().manual_seed(0)), torch.arange(10) % 3
SHORTENING = {
    "PL_TRAINER_LIMIT_TRAIN_BATCHES": "1",
    "PL_TRAINER_FAST_DEV_RUN": "1",
    "PL_TRAINER_MAX_TIME": "00:00:00:00",
    "PL_TRAINER_MAX_STEPS": "1",
    "PL_TRAINER_MAX_EPOCHS": "0",
    "PL_TRAINER_OVERFIT_BATCHES": "1",
}
CLUSTERS = {
    "slurm": {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "sweep", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"},
    "torchrun": {"TORCHELASTIC_RUN_ID": "1", "RANK": "0", "WORLD_SIZE": "4", "LOCAL_RANK": "0"},
}


def trained():
    paradigm = TwoLines()
    reports = Fit(paradigm, *ROWS, [25, 13])()
    assert [report["updates"] for report in reports] == [25, 13]
    return paradigm.state_dict()


@pytest.fixture(scope="module")
def undisturbed():
    return trained()


@pytest.mark.parametrize("name", SHORTENING)
def test_a_default_of_the_trainer_in_the_environment_changes_no_weight(name, undisturbed, monkeypatch):
    monkeypatch.setenv(name, SHORTENING[name])
    found = trained()
    assert all(torch.equal(value, undisturbed[key]) for key, value in found.items())


def test_such_a_default_is_still_in_the_environment_afterwards(monkeypatch):
    monkeypatch.setenv("PL_TRAINER_LIMIT_TRAIN_BATCHES", "1")
    trained()
    assert os.environ["PL_TRAINER_LIMIT_TRAIN_BATCHES"] == "1"


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_cluster_job_of_several_tasks_trains_the_same_weights(name, undisturbed, monkeypatch):
    for key, value in CLUSTERS[name].items():
        monkeypatch.setenv(key, value)
    found = trained()
    assert all(torch.equal(value, undisturbed[key]) for key, value in found.items())


class Quitter(TwoLines):
    """Asks the Trainer to stop in the middle of its first stage, as a plug-in's callback might."""

    def first_loss(self, batch):
        self.trainer.should_stop = self.update >= 4
        return super().first_loss(batch)


def test_a_stage_that_ends_early_is_an_error_that_names_both_numbers_of_updates():
    with pytest.raises(RuntimeError, match=r"stage 'first': 10 of 25 planned updates were made"):
        Fit(Quitter(), *ROWS, [25, 13])()
