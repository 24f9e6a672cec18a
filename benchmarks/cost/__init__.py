"""The cost of training and of sampling: time, memory, energy, and checks that the numbers are possible."""
