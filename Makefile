# Everything starts here; each target brings what it needs (Python packages, real servers).
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INSTALLED := $(VENV)/.installed
HOT := $(shell sed -n 's|^    "\(headwater/.*\.py\)",$$|\1|p' setup.py)
C_COMPILER := gcc libc6-dev python3-dev
HAS_C = { command -v gcc && $(PYTHON) -c 'import sysconfig; open(sysconfig.get_path("include") + "/Python.h")'; } \
	>/dev/null 2>&1

.PHONY: help install demo demo-food-orders demo-mysql test check bench bench-plan bench-relay bench-sqlite footprint faults docs lock clean
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(INSTALLED)  ## the Python environment in .venv

$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(READY): requirements/dev.txt | $(BIN)/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# Compiled where there is a C compiler, and again when a source that was compiled has changed.
$(INSTALLED): $(READY) pyproject.toml setup.py $(HOT)
	@[ "$$HEADWATER_COMPILE" = 0 ] || $(HAS_C) || { apt-get update -qq && \
	apt-get install -y -qq --no-install-recommends $(C_COMPILER); } || echo 'No C compiler: goes on without.'
	$(BIN)/pip install --quiet --no-build-isolation --no-deps -e .
	@$(BIN)/headwater version
	@touch $@

# The package alone, for who wants no more than to see it.
$(BIN)/headwater: pyproject.toml | $(BIN)/python
	HEADWATER_COMPILE=0 $(BIN)/pip install --quiet -e .
	@touch $@

demo: $(BIN)/headwater  ## the main job with nothing but Python: SQLite, connector, consumer; ONCE=1 ends by itself
	@$(BIN)/headwater demo $(if $(ONCE),--once)

demo-food-orders: $(INSTALLED)  ## four services and their saga: an order approved, one compensated; ONCE=1 ends by itself
	@$(BIN)/python tools/demo_food_orders.py $(if $(ONCE),--once) $(if $(DELIVERY),--delivery $(DELIVERY)) $(if $(MESSAGES),--messages $(MESSAGES))

demo-mysql: $(INSTALLED)  ## the same from MySQL into Kafka, both installed and started here; ONCE=1 ends by itself
	@$(BIN)/python tools/demo_mysql.py $(if $(ONCE),--once)

UNCOMPILED = tests/unit tests/integration/mysql_source tests/integration/mongodb_source tests/faults/test_processes.py \
	$(addprefix tests/conformance/test_,mysql.py mongodb.py extended_json.py avro_converter.py protobuf_converter.py)

test: $(INSTALLED)  ## all tests against real servers (installed and started here), then those of what is compiled uncompiled
	@tools/services up mysql mariadb postgres mongodb kafka schema-registry
	@eval "$$(tools/services env)" && $(BIN)/python -m pytest $(PYTEST_ARGS)
	@eval "$$(tools/services env)" && HEADWATER_INTERPRETED=1 $(BIN)/python -m pytest --quiet $(UNCOMPILED)

check: $(READY)  ## lint, format, types, import contracts, the container's files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec examples/compose/*.yaml

faults: $(INSTALLED)  ## the fault tests in full
	@tools/services up mysql mariadb postgres mongodb kafka
	@eval "$$(tools/services env)" && $(BIN)/python -m pytest tests/faults --faults=full -s

bench: $(INSTALLED)  ## Headwater beside Debezium, table and plot into docs; BENCH_ARGS=--quick for a short one
	@tools/services up mysql mongodb kafka schema-registry
	@eval "$$(tools/services env)" && PYTHONPATH=. $(BIN)/python -m bench run $(BENCH_ARGS)

bench-plan: $(INSTALLED)  ## micro-benchmark of the plan on recorded log bytes
	@PYTHONPATH=. $(BIN)/python bench/plan.py

bench-sqlite: $(INSTALLED)  ## what capture costs a writer of SQLite, and events a second end to end
	@PYTHONPATH=. $(BIN)/python bench/sqlite.py $(BENCH_ARGS)

footprint: $(INSTALLED)  ## memory of a worker with one task, and the time to its first event
	@tools/services up mysql kafka
	@eval "$$(tools/services env)" && PYTHONPATH=. $(BIN)/python bench/footprint.py

bench-relay: $(INSTALLED)  ## relays: throughput, latency, load on an idle database, what publish adds
	@tools/services up mysql mariadb postgres kafka
	@eval "$$(tools/services env)" && PYTHONPATH=. $(BIN)/python bench/relay.py

docs: $(READY)  ## build the documentation site, warnings are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site

PIN = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-package headwater

lock: pyproject.toml  ## pin the packages of development, of the build and of the container image with hashes
	@$(BIN)/pip install --quiet uv
	@$(PIN) --extra dev -o requirements/dev.txt pyproject.toml requirements/build.in
	@$(PIN) -o requirements/build.txt requirements/build.in
	@$(PIN) --extra mysql --extra mongodb --extra kafka --extra cel -o requirements/container.txt pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache headwater/compiled.sha256
	find headwater -name '*.so' -delete
