# Everything sets itself up: a first `make run` or `make test` makes .venv from the hash-pinned requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-ready
DEV := $(VENV)/.dev-ready
CHART := $(VENV)/.chart-ready
CHECKOV := .venv-checkov/.ready
PIP := pip install --quiet --disable-pip-version-check --require-hashes
REPLICAS ?= 3
FUZZ ?= 600

.DEFAULT_GOAL := help
.PHONY: help run demo test test-chart test-services test-cluster test-node test-faults weather fuzz check format bench schema lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN) ## three replicas on this machine, from config.yaml; Ctrl-C stops them
	@$(BIN)/leasebeat run --replicas $(REPLICAS)

demo: $(RUN) ## the same, and the leader is killed with -9 before your eyes
	@$(BIN)/python docs/demo.py

test: $(DEV) ## all tests that need nothing but this machine
	@$(BIN)/pytest

test-chart: $(CHART) $(CHECKOV) ## the chart as Helm renders it; needs helm
	@$(BIN)/pytest tests/chart

test-services: $(DEV) ## with a real Redis, Prometheus' promtool and Chromium; tells what is missing
	@$(BIN)/pytest --numprocesses=2 --dist=loadfile tests/services

test-cluster: $(DEV) ## the same program against the Kubernetes API server of $KUBECONFIG
	@$(BIN)/pytest --numprocesses=2 --dist=loadfile -m "not outage" tests/cluster
	@$(BIN)/pytest --numprocesses=0 -m outage tests/cluster

test-node: $(DEV) ## chart and image on real pods of that cluster; tells what it needs
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest --numprocesses=3 --dist=loadfile tests/node tests/image

test-faults: $(DEV) ## 15 minutes of real faults on that API server, a hundred of each kind; needs Redis too
	@$(BIN)/pytest --numprocesses=0 tests/faults

weather: $(DEV) ## a simulation of bad weather over a million ticks; SEED=7 HOURS=0.25 tells one story again
	@$(BIN)/python -m tests.weather $(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS))

fuzz: $(DEV) ## ten minutes of spoilt config files, led by coverage; FUZZ=60 is a minute
	@$(BIN)/$(PIP) -r requirements/fuzz.txt
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ)

check: $(DEV) ## format, lint, types, import contracts, tests: what a change must pass
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	@$(MAKE) --no-print-directory test

format: $(DEV) ## format the code and mend what lint can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(DEV) ## how late runs start beside other schedulers, what a standby, a plan, a run, a scrape and an audit cost
	$(BIN)/python bench/fire_latency.py
	$(BIN)/python bench/footprint.py
	$(BIN)/python bench/planning.py
	$(BIN)/python bench/weather_speed.py
	$(BIN)/python bench/check.py
	$(BIN)/python bench/next.py
	$(BIN)/python bench/simulate.py
	$(BIN)/python bench/runs.py
	$(BIN)/python bench/output_flood.py
	$(BIN)/python bench/scrapes.py
	$(BIN)/python bench/hostile.py
	$(BIN)/python bench/audit.py

schema: $(DEV) ## write what follows from the keys of config.yaml: its schema, the chart's, and the tables of the docs
	$(BIN)/leasebeat schema > config.schema.json
	$(BIN)/python docs/reference.py
	$(BIN)/leasebeat schema --helm | $(BIN)/python charts/leasebeat/tools/schema.py > charts/leasebeat/values.schema.json
	$(BIN)/python charts/leasebeat/tools/readme.py

lock: $(DEV) ## pin the dependencies anew, with hashes and without download addresses
	for set in run build celery otel dev chart fuzz checkov; do $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file=requirements/$$set.txt requirements/$$set.in || exit 1; done

clean: ## remove the environment and what the example left
	rm -rf $(VENV) .venv-checkov leasebeat.db leasebeat.db-wal leasebeat.db-shm

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "leasebeat needs Python 3.11 or later: make PYTHON=python3.12"; exit 1; }
	@echo "setting up $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@$(BIN)/$(PIP) -r requirements/run.txt -r requirements/build.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@$(BIN)/$(PIP) -r requirements/dev.txt
	@touch $@

$(CHART): requirements/chart.txt $(DEV)
	@$(BIN)/$(PIP) -r requirements/chart.txt
	@touch $@

$(CHECKOV): requirements/checkov.txt | $(VENV)/bin/python
	@echo "setting up .venv-checkov, once ..."
	@$(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/$(PIP) -r requirements/checkov.txt
	@touch $@
