"""Campaigns of faults, seeded where chance plays a part: many kills, much bad input, unusual conditions.

`python -m tests.campaign.NAME --output FILE` runs one, writes a summary, and exits with 1 where something ended badly:

    kills           runs killed at random moments, or nodes of a cluster
    command_lines   mutated presets, options and command lines
    damaged_files   damaged records, samples, weights, checkpoints and data files
    conditions      runs where disk, memory, environment or terminal are not as they should be
    schedule        how well stub cells fill a simulated machine
    four_ways       one preset locally, twice at once, on Ray and on Slurm

`--help` of the first three says how to run a part, how to go on after an interruption, and how to add parts
(`parts.py`).

A few attempts of the first ones are tests (`test_slice.py`, `tests/benchmarks/execute/test_kills.py`).
"""
