"""Gradient reach: how much of the inference graph one update's loss differentiates."""
