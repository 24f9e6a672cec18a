"""Pieces with two or more users: networks, the straight path, samplers, distances between samples, RBMs."""
