# Two commands: `make demo` and `make test`. Each sets up by itself what it needs; everything lands in .venv,
# dashboards/web/node_modules and build/, and `make clean` takes it away again. Data stays in data/.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
WEB := dashboards/web
RUN_READY := $(VENV)/.ready-to-run
TEST_READY := $(VENV)/.ready-to-test
WEB_READY := $(WEB)/dist/index.html
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null) \
	$(wildcard $(WEB)/*.html $(WEB)/*.ts $(WEB)/*.json)

.PHONY: help demo test bench web lock types clean

help:
	@echo "make demo    a simulated plant, the gateway and the duty-room page on http://127.0.0.1:8080/"
	@echo "make test    everything that must hold"
	@echo "make bench   the figures, as a table and in build/bench.json"
	@echo "make lock    resolve requirements/*.txt again (needs the network)"
	@echo "make clean   remove what these commands installed; data/ stays"

demo: $(RUN_READY) $(WEB_READY)
	@exec $(BIN)/tocsin demo $(DEMO)

test: $(TEST_READY) $(WEB_READY)
	@tests/prepare
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/npm.py test --silent
	$(BIN)/python -m pytest --numprocesses logical --dist loadfile $(PYTEST)

bench: $(TEST_READY) $(WEB_READY)
	@tests/prepare
	$(BIN)/python -m tests.bench $(BENCH)

web: $(WEB_READY)

$(VENV)/bin/python:
	@.ci/make-venv $(VENV)

$(RUN_READY): requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing what the gateway needs (pinned, hashed) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(TEST_READY): requirements/test.txt requirements/oracles.txt $(RUN_READY)
	@echo "installing what the tests need (pinned, hashed) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/oracles.txt || \
		echo "expected reelay and rtamt, got no build for this Python: their comparisons will be skipped"
	@touch $@

$(WEB_READY): $(WEB_SOURCES) | $(RUN_READY)
	@echo "building the page ..."
	@$(BIN)/python .ci/npm.py ci --silent --no-audit --no-fund
	@$(BIN)/python .ci/npm.py run --silent build
	@touch $@

types: $(RUN_READY)
	$(BIN)/tocsin openapi > $(WEB)/openapi.json
	$(BIN)/python .ci/npm.py run --silent types

COMPILE := $(VENV)-lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

lock:
	@python3 -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet pip-tools
	$(COMPILE) --all-build-deps --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --extra test --constraint requirements/run.txt --output-file requirements/test.txt pyproject.toml
	$(COMPILE) --output-file requirements/oracles.txt requirements/oracles.in
	@rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) $(WEB)/node_modules $(WEB)/dist build *.egg-info
