"""Gradient reach: the share of the inference graph that the loss of one training update differentiates."""
