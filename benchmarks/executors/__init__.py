"""Executors: each only starts cells, by `benchmarks.cell.main(SPEC.json)`, and answers for those that die."""
