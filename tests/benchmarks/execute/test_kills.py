"""A slice of the campaign in tests/campaign/kills.py, of which `make chaos` runs all."""

from tests.campaign import killed_run
from tests.campaign.kills import Campaign


def test_killed_runs_end_in_the_records_of_an_uninterrupted_one_and_leave_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv(killed_run.SEEDS, "1")  # no reports, which take most of the time of such short runs
    campaign = Campaign(tmp_path, seed=1)
    campaign.kill_many(5, reports=False)
    assert not campaign.problems
