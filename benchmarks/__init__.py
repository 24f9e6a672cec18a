"""How paradigms are compared: presets, data, training, measurement, records, reports.

This package knows the interface `paradigms.base` and never a concrete paradigm.
"""
