# Everything runs in .venv, which is made when it is needed and again when the pins change.
# PYTHON chooses the interpreter, ARGS adds options: make bench ARGS="--seeds 1 --device cpu".

PYTHON ?= python3
ARGS ?=
DIR ?= results/digits

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install bench smoke test lint speed report list doctor clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

install: $(INSTALLED) ## make .venv with the pinned versions

bench: $(INSTALLED) ## run the digits preset; tables and figures in results/digits
	$(PY) -m benchmarks run digits $(ARGS)

smoke: $(INSTALLED) ## run every paradigm for a moment
	$(PY) -m benchmarks run smoke $(ARGS)

test: $(INSTALLED) ## run the tests
	$(PY) -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

lint: $(INSTALLED) ## check style
	$(PY) -m ruff check $(ARGS) .
	$(PY) -m ruff format --check .

speed: $(INSTALLED) ## time one training step and one sample batch of each paradigm
	$(PY) -m pytest benchmarks/speed --benchmark-enable $(ARGS)

report: $(INSTALLED) ## write tables and figures again from the records in DIR=results/digits
	$(PY) -m benchmarks report $(DIR) $(ARGS)

list: $(INSTALLED) ## list paradigms, data sets and presets
	$(PY) -m benchmarks list $(ARGS)

doctor: $(INSTALLED) ## say what this machine offers and what would run
	$(PY) -m benchmarks doctor $(ARGS)

clean: ## remove .venv and caches; results stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "needs Python >= 3.11, but $(PYTHON) is: $$($(PYTHON) -V 2>&1 | head -1); choose one with: make PYTHON=python3.12"; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
