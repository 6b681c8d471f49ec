# Everything here works on a fresh machine with Python 3.11 to 3.13 (with its venv module), make and bash.
# `make demo` runs the main job on the embedded default, `make test` runs all quick tests.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

UV_VERSION := 0.13.8
# The lowest Python that is there, unless one is given: make PYTHON=/path/to/python3.13 VENV=.venv-3.13 test
PYTHON ?= $(shell .ci/find-python 3.11 || .ci/find-python 3.12 || .ci/find-python 3.13)
PYTHON311 = $(shell .ci/find-python 3.11)
VENV ?= .venv
OUT ?= demo
JOBS ?= 2
ARGS ?=
MARKS ?= not slow and not parity

UV := .venv-tools/bin/uv
BIN := $(VENV)/bin
SYNC = UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never $(UV) sync --locked --inexact --quiet --python "$(PYTHON)"
LOCKED := pyproject.toml uv.lock
SUPPORT := .venv-tflite-support
ASSETS := android_app/app/src/main/assets

.PHONY: help
help:  ## This list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 20

$(UV): Makefile
	@if [ -z "$(PYTHON)" ]; then \
	    echo "Needed and not found: Python 3.11, 3.12 or 3.13 with its venv module (Debian: apt install python3-venv)." >&2; \
	    exit 2; \
	fi
	@echo "Making the environments (the first time this downloads about 1.5 GB) ..." >&2
	@"$(PYTHON)" -m venv --clear .venv-tools
	@.venv-tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(VENV)/.run: $(LOCKED) | $(UV)
	@$(SYNC) --no-default-groups
	@touch $@

$(VENV)/.test: $(LOCKED) | $(UV)
	@$(SYNC) --group test
	@touch $@ $(VENV)/.run

$(VENV)/.lint: $(LOCKED) | $(UV)
	@$(SYNC) --no-default-groups --group lint
	@touch $@ $(VENV)/.run

$(VENV)/.fuzz: $(LOCKED) | $(UV)
	@$(SYNC) --group test --group fuzz
	@touch $@ $(VENV)/.test $(VENV)/.run

# tflite-support 0.4.4 has no wheel after Python 3.11 and wants an old protobuf: it lives alone.
$(SUPPORT)/.ready: tests/independent/requirements.txt | $(UV)
	@if [ -z "$(PYTHON311)" ]; then \
	    echo "No Python 3.11 here: the tests that read our files with tflite-support are skipped." >&2; \
	else \
	    $(UV) venv --quiet --clear --python "$(PYTHON311)" $(SUPPORT); \
	    $(UV) pip install --quiet --python $(SUPPORT)/bin/python -r tests/independent/requirements.txt; \
	    touch $@; \
	fi

.PHONY: demo
demo: $(VENV)/.run  ## Convert, export and classify with the embedded checkpoint, and build its app; files in demo/ (OUT=)
	@$(BIN)/swiftformer demo "$(OUT)" --force
	@if command -v javac >/dev/null && command -v mvn >/dev/null; then \
	    $(BIN)/swiftformer app build --out "$(OUT)/fashion_mnist.apk" --model $(ASSETS)/models/fashion_mnist_int8.tflite \
	        --model "$(OUT)/fashion_mnist_float16.tflite" --force; \
	else \
	    echo "No JDK (javac) and Maven (mvn) here: the demo's Android app is not built." >&2; \
	fi

.PHONY: app-assets
app-assets: $(VENV)/.run  ## Make the model that the Gradle project bundles again
	@$(BIN)/python -m converters.android.demo_assets $(ASSETS)

.PHONY: maven-checksums
maven-checksums: $(VENV)/.test  ## Write the SHA-256 of what Maven fetches for the tests anew (downloads all of it)
	@$(BIN)/python -m tests.android_app.pinned

.PHONY: test
test: $(VENV)/.test $(SUPPORT)/.ready  ## All quick tests (ARGS= for pytest)
	@$(BIN)/python -m pytest -m "$(MARKS)" -n $(JOBS) --dist loadfile $(ARGS)

.PHONY: test-slow
test-slow: $(VENV)/.test $(SUPPORT)/.ready  ## The tests of minutes, and the network's on JAX
	@if [ -z "$(ARGS)" ]; then \
	    KERAS_BACKEND=jax $(BIN)/python -m pytest -m "backend and not slow" -n $(JOBS) tests/swiftformer_keras; \
	fi
	@$(BIN)/python -m pytest -m "slow and not parity" -n $(JOBS) --dist loadfile $(ARGS)

.PHONY: lint
lint: $(VENV)/.lint  ## Style, types and the import rules
	@for script in .ci/*; do bash -n "$$script"; done
	@! git grep -nE '^(<<<<<<<|>>>>>>>) ' -- . || { echo "A merge is not finished." >&2; exit 1; }
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

.PHONY: format
format: $(VENV)/.lint  ## Bring the code into the house's format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# The lowest versions that pyproject.toml allows, in an environment of their own.
.PHONY: test-lowest
test-lowest: | $(UV)  ## Quick tests on the lowest allowed versions
	@if [ -z "$(PYTHON311)" ]; then echo "Needed and not found: Python 3.11." >&2; exit 2; fi
	@$(UV) venv --quiet --clear --python "$(PYTHON311)" .venv-lowest
	@$(UV) pip compile --quiet --resolution lowest-direct --python .venv-lowest/bin/python --group test \
	    pyproject.toml --output-file .venv-lowest/requirements.txt
	@$(UV) pip install --quiet --python .venv-lowest/bin/python -r .venv-lowest/requirements.txt
	@$(UV) pip install --quiet --python .venv-lowest/bin/python --no-deps --editable .
	@.venv-lowest/bin/python -m pytest -m "$(MARKS)" -n $(JOBS) --dist loadfile $(ARGS)

.PHONY: parity
parity: | $(UV)  ## Live comparison with timm and transformers (downloads torch)
	@UV_PROJECT_ENVIRONMENT=.venv-parity UV_PYTHON_DOWNLOADS=never \
	    $(UV) sync --locked --quiet --python "$(PYTHON)" --group test --group parity
	@.venv-parity/bin/python -m pytest -m parity tests/parity $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.fuzz  ## A short coverage-guided fuzz of the checkpoint readers (ARGS=)
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: fuzz-coverage
fuzz-coverage: $(VENV)/.fuzz  ## What the fuzz and the tests reach of the readers' branches
	@$(BIN)/python -m tests.fuzz.measure_coverage $(ARGS)

.PHONY: bench
bench: $(VENV)/.test  ## Speed, memory and accuracy (minutes; never part of the tests)
	@$(BIN)/python -m benchmarks.read_checkpoint
	@$(BIN)/python -m benchmarks.convert_export
	@$(BIN)/python -m benchmarks.accuracy_fashion_mnist
	@$(BIN)/python -m benchmarks.tflite_accuracy
	@$(BIN)/python -m benchmarks.overhead
	@$(BIN)/python -m benchmarks.verified_push

.PHONY: bench-quantised
bench-quantised: $(VENV)/.test  ## Figures of quantised files beside those in the folder PEERS= (minutes)
	@if [ -z "$(PEERS)" ]; then echo "Give the folder of .tflite files to compare with: PEERS=DIR" >&2; exit 2; fi
	@$(BIN)/python -m benchmarks.quantised "$(PEERS)" $(ARGS)

.PHONY: bench-android
bench-android: $(VENV)/.test  ## Latency on Android's own library, beside the float32 file in the folder PEERS= (minutes)
	@if [ -z "$(PEERS)" ]; then echo "Give the folder of .tflite files to compare with: PEERS=DIR" >&2; exit 2; fi
	@$(BIN)/python -m benchmarks.android_library "$(PEERS)" $(ARGS)

.PHONY: wheel
wheel: | $(UV)  ## Build the wheel into dist/
	@rm -rf dist
	@$(UV) build --quiet --wheel --python "$(PYTHON)"

.PHONY: clean
clean:  ## Remove environments, caches and what was built
	@rm -rf .venv .venv-* .android-runtime dist build demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
