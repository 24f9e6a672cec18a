"""Runs cells: each in a process of its own that executes `benchmarks.worker`, several at a time.

`session` is what a command calls: it locks the results folder, skips finished cells, runs the others and writes the
report. A cell goes to its process as spec.json and comes back as a record, from which all numbers are read.
"""
