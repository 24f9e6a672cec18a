"""Scores trained weights: samples, recognition, gradient reach, mismatch along the chain."""
