# make            set up .venv, then every figure of the default scenario into results/default/figures
# make test       set up .venv, then all tests
# make check      lint, and the tests that take no more than a second or so
# make test-integrations   tests with Lightning, Hugging Face and several processes
# make smoke      the whole pipeline on next to nothing
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

.PHONY: run setup test check test-integrations smoke lint docs clean
.DEFAULT_GOAL := run

run: setup
	$(BIN)/snakemake --cores $(CORES) $(FIGURES) $(OVERLAY)

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

setup: $(VENV)/ready

# Made anew when the lock changes; the mark is set last, so that a broken set-up is not taken for a whole one.
$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11, 4) <= sys.version_info < (3, 14))' \
		|| { echo "quench needs Python 3.11 (from 3.11.4), 3.12 or 3.13, not $$($(PYTHON) --version); set PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf results/*/ docs/_build .snakemake .pytest_cache .ruff_cache .mypy_cache .hypothesis
