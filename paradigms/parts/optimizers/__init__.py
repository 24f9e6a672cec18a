"""Optimisers: Muon, and SGD with momentum."""
