"""The instruments: function evaluations, FLOPs, seconds, bytes."""
