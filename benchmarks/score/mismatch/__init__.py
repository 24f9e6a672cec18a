"""Train/inference mismatch: distance between the states of a generating chain and those that training fed its links."""
