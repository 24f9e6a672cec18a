"""The scoring networks: feature extractors for FID and KID, trained here or read from a file."""
