# demo and test set up everything they need; nothing but Python 3.11+, make and the package registries is expected.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LAB ?= 1

.PHONY: demo test lint lab bench generated requirements clean

demo: $(VENV)/.ready
	@$(BIN)/microglia demo

test: lint
	@LAB=$(LAB) $(BIN)/python -m pytest --cov --cov-report=term

lint: $(VENV)/.ready
	@echo "lint: ruff, mypy, import-linter"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache | tail -n 3

lab: $(VENV)/.ready
	@$(BIN)/python -m tests.lab

bench: $(VENV)/.ready
	@$(BIN)/python -m tests.bench

# What the code decides: CRDs, the chart's roles and dashboard, the policy reference, the dialects' schema. Tests
# fail when one is old.
generated: $(VENV)/.ready
	@for part in crds chart reference dialects; do $(BIN)/python -m tests.$$part || exit; done

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@echo "setting up $(VENV) (about a minute, once)"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("microglia needs Python 3.11 or newer; set PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

requirements:
	@$(BIN)/python -m pip install --quiet uv
	@cd requirements && for list in run aws dev; do \
	  ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --no-emit-find-links $$list.in -o $$list.txt; done

clean:
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
