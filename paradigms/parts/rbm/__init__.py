"""Restricted Boltzmann machines: units, Gibbs sweeps, training, likelihood, and stacks of RBMs."""
