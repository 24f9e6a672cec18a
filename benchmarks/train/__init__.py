"""Trains a cell on its budget; the result is weights and what they cost."""
