# Everything sets itself up: a first `make run` or `make test` makes .venv from the hash-pinned requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-ready
DEV := $(VENV)/.dev-ready
REPLICAS ?= 3

.DEFAULT_GOAL := help
.PHONY: help run demo test test-cluster test-faults weather check format bench schema lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN) ## three replicas on this machine, from config.yaml; Ctrl-C stops them
	@$(BIN)/leasebeat run --replicas $(REPLICAS)

demo: $(RUN) ## the same, and the leader is killed with -9 before your eyes
	@$(BIN)/python docs/demo.py

test: $(DEV) ## all tests that need nothing but this machine
	@$(BIN)/pytest

test-cluster: $(DEV) ## the same program against the Kubernetes API server of $KUBECONFIG
	@$(BIN)/pytest --numprocesses=0 tests/cluster

test-faults: $(DEV) ## 15 minutes of real faults on that API server, and a hundred of each kind
	@$(BIN)/pytest --numprocesses=0 tests/faults

weather: $(DEV) ## a simulation of bad weather over a million ticks; SEED=7 HOURS=0.25 tells one story again
	@$(BIN)/python -m tests.weather $(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS))

check: $(DEV) ## format, lint, types, import contracts, tests: what a change must pass
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

format: $(DEV) ## format the code and mend what lint can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(DEV) ## how late runs start beside other schedulers, what a standby and a plan cost
	$(BIN)/python bench/fire_latency.py
	$(BIN)/python bench/footprint.py
	$(BIN)/python bench/planning.py
	$(BIN)/python bench/weather_speed.py

schema: $(RUN) ## write config.schema.json, from which editors complete config.yaml
	$(BIN)/leasebeat schema > config.schema.json

lock: $(DEV) ## pin the dependencies anew, with hashes and without download addresses
	for set in run build dev; do $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file=requirements/$$set.txt requirements/$$set.in || exit 1; done

clean: ## remove the environment and what the example left
	rm -rf $(VENV) leasebeat.db leasebeat.db-wal leasebeat.db-shm

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "leasebeat needs Python 3.11 or later: make PYTHON=python3.12"; exit 1; }
	@echo "setting up $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
