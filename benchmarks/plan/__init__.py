"""Turns a preset (TOML) into cells, after a preflight has checked that this machine can run them.

A key of a preset is read by `presets`, checked by the typed models of `preset` and `settings`, and copied into the
`Cell`s of `grid`. The group in `settings` that declares it decides whether it is part of a cell's train key, of its
score key or of neither. `selection` applies --paradigm and --budget; `fingerprint` hashes code.
"""
