"""What will run: a preset (TOML) becomes cells, after preflight has found that this machine can run them."""
