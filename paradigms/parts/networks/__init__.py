"""Networks: the shared U-Net and MLP of the generators, stacks of dense layers, an encoder."""
