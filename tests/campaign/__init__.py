"""Campaigns of bad input: seeded, deterministic mutations of what comes from outside, many at a time.

One file per kind of input; `python -m tests.campaign.KIND --count 1000 --seed 0` prints how they ended as JSON and
exits with 1 where one ended badly. The same mutations, a few of each kind, are a test (`tests/campaign/test_slice.py`).
"""
