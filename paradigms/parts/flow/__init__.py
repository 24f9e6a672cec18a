"""Velocity fields between noise and data: the path, losses on it, samplers, derivatives."""
