"""What paradigms are made of: RBMs, flows, networks, losses, optimisers. Nothing here imports a paradigm."""
