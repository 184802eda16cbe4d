# Everything starts here; each target brings what it needs (Python packages, real servers).
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help install demo test check bench faults docs lock clean
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(READY)  ## the Python environment in .venv

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-build-isolation --no-deps -e .
	@touch $@

demo: $(READY)  ## start everything, post a course, show its events; ONCE=1 ends by itself
	@$(BIN)/python tools/demo.py $(if $(ONCE),--once)

test: $(READY)  ## all tests against real servers (installed and started here)
	@tools/services up mysql kafka
	@eval "$$(tools/services env)" && $(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(READY)  ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

faults: $(READY)  ## the fault tests in full
	@tools/services up mysql kafka
	@eval "$$(tools/services env)" && $(BIN)/python -m pytest tests/faults --faults=full -s

bench: $(READY)  ## micro-benchmark of the plan on recorded log bytes
	@PYTHONPATH=. $(BIN)/python bench/plan.py

docs: $(READY)  ## build the documentation site, warnings are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site

lock: pyproject.toml  ## pin the development packages with hashes
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-package headwater --extra dev -o requirements/dev.txt pyproject.toml requirements/build.in

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
