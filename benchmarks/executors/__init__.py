"""Executors: each only starts cells, as `python -m benchmarks.cell SPEC.json`, and answers for those that die."""
