# Thin verbs: what they do lives in tools/ and in the packages. `make help` lists them.
PYTHON ?= python3
VENV   := .venv/bin
RUN    := $(VENV)/python

TICKS  ?=
SYMBOL ?=
SPEED  ?=
LIVE   ?=
export TICKS SYMBOL SPEED LIVE

.DEFAULT_GOAL := help
.PHONY: help setup run test check sbom audit fix bench smoke attack attack-long web docker clean

help:  ## List the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  TICKS=file SYMBOL=name SPEED=n   replay a file of ticks (run, smoke)"
	@echo "  LIVE=BTCUSDT                     live quotes of an exchange, simulated account (run)"
	@echo "  AITRADING_DATA_DIR=dir           where everything is kept (default ./var)"

setup:
	@$(PYTHON) tools/bootstrap.py

run: setup web  ## Start everything with a simulated terminal; Ctrl-C stops it
	@exec $(RUN) tools/run.py

test: setup web  ## Run all tests
	@$(RUN) tools/build_web.py --test
	@$(VENV)/pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup  ## Lint, types, import law, sizes, generated files
	@$(RUN) tools/check.py

sbom: setup web  ## Write the bill of materials to build/sbom
	@$(RUN) tools/sbom.py --write

audit: setup  ## Ask https://osv.dev for known weaknesses of every package; fails without an answer
	@$(RUN) tools/advisories.py

fix: setup  ## Format and fix what can be fixed by itself
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .

bench: setup web  ## Measure speed and write down what was measured
	@$(RUN) tools/bench.py

smoke: setup web  ## Prove the whole path with a file of ticks: TICKS=file SYMBOL=name
	@$(RUN) tools/smoke.py "$(TICKS)" "$(SYMBOL)"

attack: setup web  ## Try to break in; a table of what ran (ARGS=tokens for one suite)
	@$(RUN) tools/attack.py $(ARGS)

attack-long: setup web  ## The same with the suites that take minutes
	@$(RUN) tools/attack.py --long $(ARGS)

web: setup  ## Build the dashboards (nothing is done when they are built)
	@$(RUN) tools/build_web.py

docker: setup  ## Build the container image and prove it: start, sign in, see a filled order
	@$(RUN) tools/docker_try.py

clean:  ## Remove what was built; data in ./var stays
	@rm -rf .venv .uv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage web/dist web/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
