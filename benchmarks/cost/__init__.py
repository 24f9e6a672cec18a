"""What training and sampling cost: time, memory, energy, and checks that such numbers are possible."""
