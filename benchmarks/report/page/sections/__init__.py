"""The sections of the page, one a file; see `benchmarks.report.page`."""
