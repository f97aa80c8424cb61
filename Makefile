# The two commands that a newcomer needs are `make demo` and `make test`. `make help` lists the rest.
# Needs Python 3.11 or later, git and make. Everything else is installed into .venv from requirements.lock.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Byte code is compiled once at install: the licence detector imports hundreds of modules.
READY  := $(VENV)/ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-torch test-dataflow test-exports check lint types contracts wheel reference lock clean

help:  ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z%-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## create .venv from the lock file

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Gleanery needs Python 3.11 or later; set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode --allow-empty-requirements requirements.lock requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)  ## curate the real projects of examples/demo.toml into runs/demo
	$(BIN)/gleanery run examples/demo.toml --out runs/demo

test: $(READY)  ## run the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-torch: $(READY)  ## install torch beside it (5 GB) and run the tests that need it
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-torch.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements-megatron.lock
	$(BIN)/python -m pytest -m torch

test-dataflow: $(READY)  ## install Google's packages beside it and run the tests that need them
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dataflow.lock
	$(BIN)/python -m pytest -m dataflow tests/test_pipeline_dataflow.py

test-exports: $(READY)  ## install datasets and safetensors in a place of their own and open the exports with them
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/exports
	$(BIN)/uv pip install --quiet --python build/exports/bin/python --require-hashes -r requirements-exports.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --target build/exported .
	PYTHONPATH=build/exported build/exports/bin/python -m pytest --noconftest -m exports tests/test_shards_exports.py

check: lint types contracts  ## lint, types and import contracts

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The folders are mapped to one import root, so mypy reads an installed copy: on the editable map it would see nothing.
PACKAGES := dedup licensing optout pipeline privacy quality records release shards sources sql
types: $(READY)
	rm -rf build
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --target build/typed .
	MYPYPATH=build/typed $(BIN)/mypy $(PACKAGES:%=-p gleanery.%)
	MYPYPATH=build/typed $(BIN)/mypy tests benchmarks examples

contracts: $(READY)
	$(BIN)/lint-imports

wheel: $(READY)  ## build the wheel, install it elsewhere and test it there
	rm -rf build dist
	$(BIN)/python -m build --no-isolation --wheel --sdist --outdir dist .
	$(BIN)/python -m pytest tests/test_packaging.py -m slow

bench-%: $(READY)  ## run one benchmark, as in `make bench-pipeline` (QUICK=1 for under a minute)
	$(BIN)/python benchmarks/$*.py $(if $(QUICK),--quick)

reference: $(READY)  ## write the pages of docs/reference that are made from the code
	$(BIN)/python docs/make_reference.py

LOCK := $(BIN)/uv pip compile pyproject.toml --generate-hashes --python-version 3.11 --no-header --quiet
lock: $(READY)  ## resolve the lock files anew
	$(LOCK) --extra dev -o requirements.lock
	$(LOCK) --extra dataflow -c requirements.lock -o requirements-dataflow.lock
	$(LOCK) --extra torch -c requirements.lock -o requirements-torch.lock
	$(BIN)/uv pip compile requirements-exports.in --generate-hashes --python-version 3.11 --no-header --quiet -o requirements-exports.lock

clean:  ## remove everything that make made, runs excepted
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
