"""Train/inference mismatch: where the states of a chain leave those that training has seen."""
