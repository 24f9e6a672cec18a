"""Losses between sets of samples, and the corruption that denoising learns to undo."""
