"""Results on disk: one JSON record per cell, written atomically, with its provenance."""
