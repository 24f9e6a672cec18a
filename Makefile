# Everything runs in .venv, which is created when it is needed and updated when the pinned versions change.
# PYTHON: interpreter that creates .venv. ARGS: more options of the command: make bench ARGS="--seeds 1 --device cpu".
# DIR: folder of records for make report. CHAOS: campaigns of make chaos; four_ways needs what test-engines needs.

PYTHON ?= python3
ARGS ?=
DIR ?= results/digits
CHAOS ?= kills conditions command_lines damaged_files schedule

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install bench smoke test test-engines chaos lint speed report page talk gate bless list doctor clean

help: ## print this list of targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

install: $(INSTALLED) ## create .venv with the versions pinned in constraints.txt

bench: $(INSTALLED) ## run preset digits (3 seeds); records, tables and figures go to results/digits
	$(PY) -m benchmarks run digits $(ARGS)

smoke: $(INSTALLED) ## run every paradigm for a few seconds (preset smoke); output goes to results/smoke
	$(PY) -m benchmarks run smoke $(ARGS)

test: $(INSTALLED) ## run the test suite with pytest, in parallel
	@# Bytecode is kept even where the environment says not to: the suite starts dozens of processes.
	PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

test-engines: $(INSTALLED) ## test the engines on real clusters: Ray (extra ray) and Slurm (needs root); skips what is absent
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ray]'
	$(PY) -m pytest -m engines tests/benchmarks/execute/engines -rs $(ARGS)

chaos: $(INSTALLED) ## run the campaigns of faults, 20 minutes; counts go to results/reference/chaos (CHAOS=kills ARGS="--kills 10")
	@for campaign in $(CHAOS); do \
	  $(PY) -m tests.campaign.$$campaign --output results/reference/chaos/$$campaign.md $(ARGS) || exit 1; \
	done

lint: $(INSTALLED) ## check style and formatting with ruff; changes no file
	$(PY) -m ruff check $(ARGS) .
	$(PY) -m ruff format --check .

speed: $(INSTALLED) ## time updates and samplers of the paradigms and of peers; prints tables
	$(PY) -m pytest benchmarks/speed --benchmark-enable $(ARGS)

report: $(INSTALLED) ## rewrite tables and figures in DIR from its records (DIR=results/digits)
	$(PY) -m benchmarks report $(DIR) $(ARGS)

talk: $(INSTALLED) ## write slides, notes, figures and animations of the committed runs into results/talk (ARGS="DIR --theme dark")
	$(PY) -m benchmarks talk $(ARGS)

page: $(INSTALLED) ## name the page of DIR, written if it is missing, and open it where there is a desktop
	@test -f $(DIR)/report.html || $(PY) -m benchmarks report $(DIR) $(ARGS)
	@echo $(DIR)/report.html
	@xdg-open $(DIR)/report.html >/dev/null 2>&1 || open $(DIR)/report.html >/dev/null 2>&1 || true

gate: $(INSTALLED) ## compare the working tree with its baseline (ARGS="PRESET --base REVISION"); preset digits by default
	$(PY) -m benchmarks gate $(ARGS)

bless: $(INSTALLED) ## make what the working tree measures the baseline (ARGS="counters --reason 'why it changed'")
	$(PY) -m benchmarks bless $(ARGS)

list: $(INSTALLED) ## print the paradigms, data sets and presets
	$(PY) -m benchmarks list $(ARGS)

doctor: $(INSTALLED) ## print the hardware and software found, and what each preset would run
	$(PY) -m benchmarks doctor $(ARGS)

clean: ## delete .venv, build output and caches; results are kept
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "needs Python >= 3.11, but $(PYTHON) is: $$($(PYTHON) -V 2>&1 | head -1); choose one with: make PYTHON=python3.12"; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
