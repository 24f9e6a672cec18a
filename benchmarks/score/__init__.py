"""Scores of trained weights: generated images, recognition, gradient reach and train/inference mismatch."""
