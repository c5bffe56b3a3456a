# make            set up .venv, then every figure of the default scenario into results/default/figures
# make demo       a first figure, demo.png, with a small part of the packages
# make test       set up .venv, then all tests
# make check      lint, and the tests that take no more than a second or so
# make test-integrations   tests with Lightning, Hugging Face and several processes
# make smoke      the whole pipeline on next to nothing
# make lock       requirements.lock made again from pyproject.toml; UPGRADE=--upgrade takes the newest versions
# make docs       the documentation as web pages in docs/_build/html
# make setup      only set up .venv; make clean removes what was generated
#
# make SCENARIO=paper FIGURES="kwj_fig3" CORES=8     another scenario, chosen targets, cores
# make PYTHON=python3.12 setup                       another interpreter (3.11.4 to 3.13)

PYTHON ?= python3
SCENARIO ?=
FIGURES ?=
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
# Two cores, and a worker for the cluster, which mostly waits.
WORKERS ?= 3
OVERLAY := $(if $(SCENARIO),--configfile config/$(SCENARIO).yaml)
SCENARIOS := $(filter-out claims config,$(basename $(notdir $(wildcard config/*.yaml))))
ifneq ($(SCENARIO),$(filter $(SCENARIOS),$(SCENARIO)))
$(error no scenario "$(SCENARIO)" in config; there are: $(SCENARIOS))
endif

.PHONY: run demo setup test check test-integrations smoke lint docs lock clean
.DEFAULT_GOAL := run

run: setup
	$(BIN)/snakemake --cores $(CORES) $(FIGURES) $(OVERLAY)

demo: $(VENV)/core
	$(BIN)/quench demo

smoke: setup
	$(BIN)/snakemake --cores $(CORES) --configfile config/smoke.yaml

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder --ignore tests/integrations

check: lint
	$(BIN)/python -m pytest -n 2 -m "not slow" --ignore tests/integrations

# Their libraries are beside those of quench, which they must not change.
test-integrations: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--target $(VENV)/integrations -r tests/integrations/requirements.lock
	PYTHONPATH=$(abspath $(VENV)/integrations) $(BIN)/python -m pytest tests/integrations

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

docs: setup
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# For every supported Python and system; the versions stay unless pyproject.toml or UPGRADE asks for others.
lock: $(VENV)/made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --group dev --generate-hashes --no-header \
		$(UPGRADE) -o requirements.lock pyproject.toml

setup: $(VENV)/ready

# What needs neither torch nor Snakemake, in the versions of the lock.
$(VENV)/core: requirements.lock pyproject.toml | $(VENV)/made
	sed '/--hash=/d; s/ \\$$//' requirements.lock > $(VENV)/versions
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(VENV)/versions --editable .
	@touch $@

# Made anew when the lock changes; the mark is set last, so that a broken set-up is not taken for a whole one.
$(VENV)/ready: requirements.lock pyproject.toml | $(VENV)/made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/core

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11, 4) <= sys.version_info < (3, 14))' \
		|| { echo "quench needs Python 3.11 (from 3.11.4), 3.12 or 3.13, not $$($(PYTHON) --version); set PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

clean:
	rm -rf results/*/ docs/_build .snakemake .pytest_cache .ruff_cache .mypy_cache .hypothesis
