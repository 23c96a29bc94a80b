# The commands of the project. `make` alone lists them.

PYTHON ?= python3
PY := .venv/bin/python
LOCK := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url

# Passed on to the programs when they are given: make up BROKER=tansu PORT_BASE=9001
export BROKER MONGO PORT_BASE BROKER_PORT MONGO_PORT LOCAL_STATE CONTAINERS SECONDS TEXTS WINDOW FUZZ_SECONDS SEED
export GROWTH GROWTH_FOLDER OVERLOAD_SECONDS FAULT_MINUTES FAULT_RATE CLUSTER

.DEFAULT_GOAL := help
.PHONY: help up demo test check bench faults fuzz model oracles containers lock clean-local run-tools dev-tools

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: run-tools ## set everything up and run the whole system until Ctrl-C (BROKER=, MONGO=, PORT_BASE= …)
	@exec $(PY) -m local up

demo: run-tools ## drive the seven worked examples through the real system and verify the streams
	@exec $(PY) -m local demo

test: dev-tools ## set everything up and run all tests on the real broker and database (CONTAINERS=1: those too)
	$(PY) -m pytest -m "not oracles$(if $(filter 1,$(CONTAINERS)),, and not containers)" $(ARGS)

check: dev-tools ## format, lint, types, imports, contracts and the tests that need no server; a minute and a half
	$(PY) -m ruff format --check
	$(PY) -m ruff check
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m contracts check
	$(PY) -m pytest -q -n 2 -m "not real and not containers and not oracles"

bench: dev-tools ## measure the line (ONLY=pipeline|hop|latency|loop|growth|startup|scale|overload|campaign|bytes|telling|sms …)
	@exec $(PY) -m tests.bench $(if $(ONLY),--only $(ONLY))

faults: dev-tools ## kill, cut and confuse the parts under load, then account (FAULT_MINUTES=10, SEED=, CLUSTER=1)
	@exec $(PY) -m tests.faults

fuzz: dev-tools ## send the services and decoders what nobody should send (FUZZ_SECONDS=120, SEED=, ONLY=intake …)
	@exec $(PY) -m tests.fuzz $(if $(ONLY),--only $(ONLY))

model: dev-tools ## learn the classifier's figures anew from the texts in ARCHIVE=../shared/routing (docs/routing-classifier.md)
	$(PY) -m services.routing train $(or $(ARCHIVE),../shared/routing)/petitions-labelled.jsonl \
	  --further services/routing/lexicon/further-labels.tsv \
	  --texts $(or $(ARCHIVE),../shared/routing)/petitions-unlabelled.jsonl \
	  --written services/routing/learning/written.jsonl --out services/routing/model/shipped.npz

oracles: dev-tools ## check our signatures with the SMS vendors' own SDKs, in an environment of their own
	$(PY) -m venv .local/oracles
	$(foreach lock,requirements requirements-dev requirements-oracles,.local/oracles/bin/python -m pip install \
	  --quiet --no-deps --require-hashes -r $(lock).lock &&) .local/oracles/bin/python -m pytest -m oracles $(ARGS)

containers: dev-tools ## build and run the four images in the container lab; needs root
	$(PY) -m pytest -m containers $(ARGS)

lock: dev-tools ## pin the newest versions that requirements*.in allow, with their hashes
	$(LOCK) requirements.in --output-file requirements.lock
	$(LOCK) requirements-dev.in --output-file requirements-dev.lock
	$(LOCK) requirements-local.in --output-file requirements-local.lock
	$(LOCK) requirements-oracles.in --output-file requirements-oracles.lock

clean-local: ## throw away the data, keys, logs and SMS outbox of `make up`; downloads are kept
	@$(PYTHON) -m local.clean

# Each asks whether a lock's text has changed since it was installed, which takes a twentieth of a second.
run-tools:
	@$(PYTHON) -m local.venv

dev-tools:
	@$(PYTHON) -m local.venv dev
