# Needs Python 3.11 or newer and make; everything else is installed into .venv from the lock file.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.8
# Compiled once here, not by each of the processes that start at the same moment.
SYNC = $(UV) sync --quiet --frozen --no-default-groups --inexact --compile-bytecode
OFFLINE = echo "The packages could not be installed. Is the package index reachable?" \
	"Behind a mirror or proxy set PIP_INDEX_URL and UV_DEFAULT_INDEX, or HTTPS_PROXY. What went wrong stands above." >&2; exit 1

.PHONY: help up test bench chaos lint types format check vendor
.DEFAULT_GOAL := help

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/.runtime ## Start everything on this machine (PORT, GATEHOUSE_DATA_DIR)
	@$(BIN)/gatehouse up

# Where that is set, each of the many processes that the tests start would compile every module anew.
test: .venv/.dev ## Run all tests, on servers of their own (JOBS)
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(or $(JOBS),2) --dist loadgroup

bench: .venv/.bench ## Measure against the baselines in benchmarks/
	@$(BIN)/python -m benchmarks

chaos: .venv/.dev ## Strike it with faults under load, write docs/reliability.md (SEED, MESSAGES, FAULTS, MINUTES)
	@$(BIN)/python -m tests.chaos --report $(if $(SEED),--seed $(SEED)) $(if $(MESSAGES),--messages $(MESSAGES)) \
		$(if $(FAULTS),--faults $(FAULTS)) $(if $(MINUTES),--minutes $(MINUTES))

lint: .venv/.dev ## Check style, layers and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports

types: .venv/.dev ## Check types
	@$(BIN)/mypy

format: .venv/.dev ## Rewrite in the project's format
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

vendor: ## Make the files of others that pages and tests use anew, by npm (see docs/dashboard.md)
	@$(PYTHON) scripts/vendor_assets.py

check: lint types test ## All of the above that must pass before a commit

$(UV):
	@test -n "$(PYTHON)" || { echo "Gatehouse needs Python 3.11 or newer, and there is none on the PATH." \
		"Install it (Debian: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than Python 3.11." >&2; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear .venv || { \
		echo "$(PYTHON) can't make virtual environments. Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==$(UV_VERSION)' || { $(OFFLINE); }

.venv/.runtime: $(UV) pyproject.toml uv.lock
	@$(SYNC) --extra embedded || { $(OFFLINE); }
	@touch $@

.venv/.dev: $(UV) pyproject.toml uv.lock
	@$(SYNC) --extra embedded --extra otel --group dev || { $(OFFLINE); }
	@touch $@ .venv/.runtime

.venv/.bench: $(UV) pyproject.toml uv.lock
	@$(SYNC) --extra embedded --extra otel --group dev --group bench || { $(OFFLINE); }
	@touch $@ .venv/.dev .venv/.runtime
