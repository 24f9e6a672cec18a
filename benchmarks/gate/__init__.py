"""The regression gate: stops a change that makes a paradigm worse, slower or larger than the blessed baseline.

Stages, cheapest first, each in a file of its own: identity, counters, quality, speed. Each returns findings
(`finding.py`); their verdicts decide the exit code.
"""
