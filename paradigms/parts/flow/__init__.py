"""Velocity fields between noise and data: the path, the losses on it, samplers, directional derivatives."""
