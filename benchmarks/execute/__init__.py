"""Runs cells: one session per command, each cell in a process of its own."""
