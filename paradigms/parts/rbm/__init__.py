"""Restricted Boltzmann machines: units, sweeps, learning, likelihood, and stacks of them."""
