# `make demo` and `make test` need Python 3.11+, pip and node; both make .venv by themselves.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 0
SPEED ?= 1
SETTINGS := pyproject.toml locshare_ext/server/pages/vendoring.py locshare_ext/server/pages/vendored/package-lock.json locshare_ext/server/jupyter_server_config.d/locshare_ext.json locshare_ext/widget/labextension/package.json

.PHONY: help demo test check format setup browser bench clean

help:
	@echo "make demo                 JupyterLab on the demo notebook with a live, simulated group"
	@echo "make demo FROM=walk.gpx   the same, playing a recording of yours (GPX, GeoPackage, CSV)"
	@echo "          [COLUMNS=\"member=...,time=...,lat=...,lon=...\" TZ=UTC] [SPEED=30] [GROUP=hikers]"
	@echo "          [PORT=8888] [BROWSER=no]"
	@echo "make test                 install what the tests need, run all of them"
	@echo "make check                format, lint, types, import floors"
	@echo "make bench                the benchmarks, each beside a reference in the same run (benchmarks/README.md)"
	@echo "          [ARGS=\"brokers --quick\"]"

demo: $(VENV)/.installed
	@$(BIN)/python -m locshare_ext.cli.develop
	@$(BIN)/jupyter locshare demo --port $(PORT) --speed $(SPEED) --folder .demo $(if $(GROUP),--group "$(GROUP)") \
	  $(if $(FROM),--from "$(FROM)") $(if $(COLUMNS),--columns "$(COLUMNS)") $(if $(TZ),--tz "$(TZ)") \
	  $(if $(filter no,$(BROWSER)),--no-browser)

test: $(VENV)/.installed-test browser tests/interop/node_modules/.installed tests/e2e/node_modules/.installed tests/hub/node_modules/.installed
	@$(BIN)/python -m locshare_ext.cli.develop
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(VENV)/.installed-test

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks $(ARGS)

# Debian's python3 may come without ensurepip; virtualenv from the registry needs none.
$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	  rm -rf $(VENV) && $(PYTHON) -m pip install --quiet --target build/virtualenv virtualenv && \
	  PYTHONPATH=build/virtualenv $(PYTHON) -m virtualenv --quiet $(VENV); }

$(VENV)/.installed: $(BIN)/python $(SETTINGS)
	$(BIN)/pip install --quiet --editable .
	$(BIN)/python -m locshare_ext.cli.develop
	@touch $@

$(VENV)/.installed-test: $(BIN)/python $(SETTINGS)
	$(BIN)/pip install --quiet --editable ".[dev]"
	$(BIN)/python -m locshare_ext.cli.develop
	@touch $@ $(VENV)/.installed

browser:
	@sh tests/install-browser.sh

tests/%/node_modules/.installed: tests/%/package.json tests/%/package-lock.json
	@if command -v npm >/dev/null; then cd tests/$* && npm ci --silent --no-audit --no-fund && touch node_modules/.installed; \
	else echo "npm is missing: the tests that need packages of tests/$* are skipped"; fi

clean:
	rm -rf $(VENV) .demo build dist tests/interop/node_modules tests/e2e/node_modules tests/hub/node_modules benchmarks/node_modules
