"""Compares paradigms: presets, data sets, training, scoring, costs, records and reports.

A run goes through the folders in this order: `plan` reads a preset and lists its cells; `execute` starts a process per
cell, which runs `worker`; `train`, `score` and `cost` do its work; `store` keeps its record; `report` reads records.
The package imports the interface `paradigms.base` and no concrete paradigm.
"""
