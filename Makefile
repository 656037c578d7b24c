# Alphintra: `make lab` opens the platform, `make test` checks everything.
# Needs Python 3.11, git and make; everything else comes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
UV := $(BIN)/uv
ARGS ?=
# Workers for the tests. Two cores are the smallest machine that this runs on; four workers keep both busy, for tests
# wait for kernels and jobs.
JOBS ?= 4
export JUPYTER_PLATFORM_DIRS := 1
export PATH := $(BIN):$(PATH)

.PHONY: env lab test attack flows fuzz soak lint types imports bench docs lock wheel clean

env: $(VENV)/.installed $(VENV)/.compiled

$(VENV)/bin/uv: requirements/uv.txt
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

SOURCES := $(shell find labextension/src labextension/style labextension/schema templates jupyter-config alphintra_kernel/alphintra_kernel/resources -type f 2>/dev/null)
ENGINE := backtest/alphintra_backtest/codes.py $(wildcard backtest/alphintra_backtest/core*.py) $(addprefix backtest/alphintra_backtest/,compiled.py bundle.py)

PACKAGES := sdk/alphintra backtest/alphintra_backtest alphintra_kernel/alphintra_kernel server_extension/alphintra_server \
	hub/alphintra_hub papertrade/alphintra_papertrade

# Compiled here and at once: a sandbox may not write beside the sources, so that each kernel, job and language server
# would compile what only they import, seconds of it.
# The overrides keep a newcomer's first minute free of pop-ups; they belong to this environment, not to the wheel.
$(VENV)/.installed: $(VENV)/bin/uv requirements/dev.txt requirements/data.txt pyproject.toml labextension/package.json labextension/yarn.lock labextension/build-replay.mjs $(SOURCES)
	$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements/data.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	$(BIN)/python -m compileall -q -j 0 $(PACKAGES)
	@mkdir -p $(VENV)/share/jupyter/lab/settings/overrides.d
	@printf '%s\n' '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
		> $(VENV)/share/jupyter/lab/settings/overrides.d/alphintra.json
	@touch $@

# Compiled anew where the engine has changed: the first long run would wait for it otherwise.
$(VENV)/.compiled: $(VENV)/.installed $(ENGINE) scripts/warm_cache.py
	$(BIN)/python scripts/warm_cache.py
	@touch $@

lab: env
	@mkdir -p workspace
	$(BIN)/python scripts/lab.py $(ARGS)

test: env
	JOBS=$(JOBS) $(BIN)/python scripts/check.py

# All attacks on the sandbox, with what each took; by root, those that do not measure once more as an ordinary user.
# `make test` has most of them.
attack: env
	$(BIN)/python -m pytest -p no:pytest_cov -m "slow or not slow" --durations=20 tests/sandbox $(ARGS)
	$(BIN)/python -m pytest -p no:pytest_cov -m "slow or not slow" ui-tests/test_attacks.py $(ARGS)

# Real files of eleven shapes, each from upload to backtest in a browser, against pandas; a dataset between two people, each
# with a page of their own. `make test` has one of the shapes.
flows: env
	$(BIN)/python -m pytest -p no:pytest_cov -m "slow or not slow" --durations=0 ui-tests/test_flows.py \
		ui-tests/test_sharing.py $(ARGS)

lint: env
	$(BIN)/ruff check .

types: env
	$(BIN)/mypy

imports: env
	$(BIN)/lint-imports --no-cache

# All random cases of the engine, of which `make test` runs every second to fifth batch of most kinds, and a thousand
# damaged files.
fuzz: env
	$(BIN)/python -m pytest -q -p no:pytest_cov -m "slow or not slow" -n $(JOBS) tests/backtest tests/sdk/ingest $(ARGS)

# Databases that are away for half a minute, then servers that die by SIGKILL, a hundred times on each database: some
# twenty minutes.
soak: env
	$(BIN)/python -m pytest -p no:pytest_cov -m slow tests/server
	$(BIN)/python -m tests.soak $(ARGS)

bench: env
	$(BIN)/python benchmarks/run.py $(ARGS)

docs: env
	$(BIN)/python docs/generate.py

# Builds it, and tries it in a clean environment without Node.
wheel: env
	$(BIN)/python -m pytest -q -p no:pytest_cov -m slow tests/packaging
	rm -rf labextension/alphintra_lab/labextension alphintra_kernel/alphintra_kernel/assets dist
	$(UV) build --quiet --wheel --out-dir dist
	rm -f $(VENV)/.installed

# Names, versions and hashes only: no index lines.
COMPILE := $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header --no-annotate
lock: $(VENV)/bin/uv
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --no-deps requirements/data.in -o requirements/data.txt

clean:
	rm -rf $(VENV) .alphintra dist labextension/lib labextension/node_modules \
		labextension/alphintra_lab/labextension alphintra_kernel/alphintra_kernel/assets
