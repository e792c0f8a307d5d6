# What a newcomer types. Every target sets up what it needs first; all may be repeated.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.installed
ENGINE := staging/images/drillbook-python

help:  ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(SETUP): requirements.txt pyproject.toml staging/pyproject.toml
	@bash scripts/setup_venv.sh $(VENV)
	@touch $@

machine:  ## say in the first second whether this machine can run the embedded cluster
	@PYTHONPATH=staging python3 -m drillbook_staging.preflight

setup: $(SETUP)  ## install the pinned, hashed requirements into .venv

drill: machine $(SETUP) staging-up  ## drill a starter set of the runbooks on the embedded staging cluster
	$(BIN)/drillbook drill --starter

test: machine $(SETUP)  ## the whole proof: pytest, the cluster's tests, one real drill among them
	@bash tests/whole.sh

campaign: machine $(SETUP) staging-up  ## kill drills at every write there is, the reaper's own too (docs/safety.md)
	$(BIN)/pytest -s -m campaign
	DRILLBOOK_LIFE=always $(BIN)/pytest -m staging

lint: $(SETUP)  ## ruff, mypy --strict, import contracts, and the runbooks' own lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/drillbook lint
	$(BIN)/drillbook render --check
	$(BIN)/drillbook steps --check

bench: $(SETUP)  ## measure what docs/benchmarks.md reports
	$(BIN)/python -m tests.bench

dist: $(SETUP)  ## one wheel with the book inside: drillbook diagnose and respond from any folder
	@bash scripts/build_dist.sh $(BIN)

gate: machine $(SETUP) staging-up  ## what a change needs, and a sample of drills (BUDGET=8m)
	$(BIN)/drillbook gate --budget $(or $(BUDGET),8m)

staging-up: machine $(SETUP)  ## boot the embedded staging cluster (a no-op when it is up)
	$(BIN)/drillbook staging up

staging-down: $(SETUP)  ## remove it, leaving nothing but the build cache
	$(BIN)/drillbook staging down

lock: $(SETUP)  ## pin and hash the requirements again
	$(BIN)/uv pip compile pyproject.toml staging/pyproject.toml --extra dev --generate-hashes \
	  --no-emit-package drillbook --python-version 3.11 --no-annotate --custom-compile-command "make lock" -o requirements.txt
	$(BIN)/uv pip compile $(ENGINE)/requirements.in --constraint requirements.txt --generate-hashes \
	  --python-version 3.11 --no-annotate --custom-compile-command "make lock" \
	  -o $(ENGINE)/requirements.txt

.PHONY: help machine setup drill test campaign dist gate lint bench staging-up staging-down lock
