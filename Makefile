# What is done with textpulse from a clone. `make help` lists the targets; ARGS="..." hands options on.
PYTHON ?= python3
BEAM_VERSION := 2.77.0
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PRISM := .cache/prism/prism
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint screenshots bench steady chaos simulate fuzz compare prism kafka

help:  ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) prism  ## Install the pinned packages into .venv, and Prism

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "textpulse needs Python 3.11 to 3.13, $(PYTHON) is another: make PYTHON=/path/to/python3.11 ..." >&2; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps -e .
	@touch $@

demo: setup  ## Sample stream, real broker, model, Beam and live insights: make demo ARGS="--for 60"
	$(BIN)/textpulse demo $(ARGS)

test: setup kafka  ## Every test: units, properties, PostgreSQL, Kafka, Prism, a short simulation
	$(BIN)/pytest $(ARGS)

lint: $(STAMP)  ## ruff, mypy --strict, and the arrows between the packages
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

screenshots: $(STAMP)  ## Pictures of the page for docs/, from the sample stream (needs Chromium and its driver)
	PYTHONPATH=$(CURDIR) $(BIN)/python docs/make_screenshots.py

bench: setup kafka  ## Efficiency against the bare loop, in one run
	$(BIN)/python benchmarks/efficiency.py $(ARGS)

steady: setup kafka  ## Freshness and memory at a steady rate: ARGS="--minutes 30 --rate 1000"
	$(BIN)/python benchmarks/steady.py $(ARGS)

chaos: setup kafka  ## Kills, pauses, full disks and expired offsets on real Kafka, against an oracle
	$(BIN)/python tests/chaos/battery.py $(ARGS)

simulate: $(STAMP)  ## The recovery protocol under random crashes: ARGS="--schedules N --seed S --mutant NAME|all"
	$(BIN)/python tests/recovery/simulate.py $(ARGS)

fuzz: $(STAMP)  ## Hostile bytes into every decoder and reader: ARGS="--target json --inputs 1000000"
	$(BIN)/python tests/fuzz/fuzz.py $(ARGS)

compare: $(STAMP)  ## Models beside VADER, TextBlob, SnowNLP, spaCy, LAC and an SVM: ARGS="--model FOLDER --report FILE.md"
	$(BIN)/python -m benchmarks.compare $(ARGS)

prism: $(PRISM)  ## Build Prism, the runner of streaming jobs, with Go

$(PRISM):
	@command -v go >/dev/null || { echo "Prism $(BEAM_VERSION) is built with Go, which is not on PATH: install Go 1.25 or later" \
		"(https://go.dev/dl), or put the prism program of Beam $(BEAM_VERSION) at $(PRISM)" >&2; exit 3; }
	@echo "building Prism $(BEAM_VERSION): some minutes, once"
	GOBIN=$(CURDIR)/$(dir $(PRISM)) go install github.com/apache/beam/sdks/v2/go/cmd/prism@v$(BEAM_VERSION)

kafka: $(STAMP)  ## Fetch the broker of the demo and the tests
	@$(BIN)/python -m pipelines.broker
