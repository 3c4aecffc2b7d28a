# Everything one does with leadrank from a clone: `make` lists it.
.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow check check-docker bench chaos serve train mlflow docs lock clean

PYTHON ?= python3
SEED ?= 7
BIN := .venv/bin
CODE := features training serving leadrank.py
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

install: .venv/package.stamp ## make .venv and install the pinned requirements and compile the loops, once
	@:

.venv/requirements.stamp: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "leadrank needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1): name another, as in 'make PYTHON=python3.12 demo'" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the pinned packages into .venv (once; 1.3 GB on disk, a minute or a few) ..."
	@$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

.venv/package.stamp: .venv/requirements.stamp pyproject.toml
	@$(BIN)/pip install --quiet --no-deps --editable .
	@echo "Compiling the loops (once; half a minute) ..."
	@$(BIN)/leadrank compile
	@touch $@

demo: install ## a simulated sales floor, from nothing to the table of results (SEED=7)
	@$(BIN)/leadrank demo --seed $(SEED)

test: install ## pytest, two files at a time: all but the slow ones and the benchmarks; warnings are errors
	@$(BIN)/pytest -n 2 --dist loadfile

test-slow: install ## coverage of the kernels' own lines, then the slow tests and the benchmarks, compiled
	@NUMBA_DISABLE_JIT=1 $(BIN)/pytest --cov --cov-report=term
	@$(BIN)/pytest -m "slow or benchmark"

check: install ## format, lint, types, walls between modules, fresh docs; no tests
	@$(BIN)/ruff format --check --quiet $(CODE) tests || { echo "not formatted: run '$(BIN)/ruff format'" >&2; exit 1; }
	@$(BIN)/ruff check --quiet $(CODE) tests
	@$(BIN)/mypy $(CODE) tests
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/leadrank docs --check

check-docker: install ## hadolint and podman-compose read docker/
	@$(BIN)/hadolint docker/Dockerfile
	@$(BIN)/podman-compose --dry-run --file docker/compose.yaml config > /dev/null

bench: install ## measure against the rivals; one JSON record per figure under var/bench/
	@$(BIN)/pytest -m benchmark

chaos: install ## three minutes of killed workers, database restarts and clock jumps; what must hold, holds
	@$(BIN)/python -m tests.chaos

serve: install ## the service on loopback, port 8000
	@$(BIN)/leadrank serve

train: install ## train the models on the database's past, and publish them if they pass the gate
	@$(BIN)/leadrank train

mlflow: install ## MLflow's pages on loopback, port 5000: trainings, models, races
	@MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow server \
	  --backend-store-uri sqlite:///mlruns/mlflow.db --host 127.0.0.1 --port 5000 --workers 1

docs: install ## write docs/features.md and docs/kpis.md from the code
	@$(BIN)/leadrank docs

LOCK = $$uv/bin/uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml
lock: ## pin the newest versions that fit pyproject.toml, with hashes and without hosts
	@uv=$$(mktemp -d) && trap 'rm -rf "$$uv"' EXIT && $(PYTHON) -m venv $$uv && $$uv/bin/pip install --quiet uv && \
	  $(LOCK) --upgrade --extra train --extra dask --group dev --output-file requirements/dev.txt && \
	  $(LOCK) --upgrade --extra train --constraint requirements/dev.txt --output-file requirements/train.txt && \
	  $(LOCK) --upgrade --constraint requirements/dev.txt --output-file requirements/serve.txt

clean: ## remove .venv, caches and build leftovers; databases, models and benchmark records stay
	@rm -rf .venv dist build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov
	@find $(CODE) tests -name __pycache__ -type d -prune -exec rm -rf {} +
