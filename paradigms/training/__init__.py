"""Training engine inherited by every Paradigm: stages, updates, averages, CUDA graphs."""
