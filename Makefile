# One command for each thing a person does here. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.ready

# Nothing here reports on its users. Each tool has its own switch.
export DO_NOT_TRACK := true
export DAGSTER_DISABLE_TELEMETRY := true
export MLFLOW_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

# uv does not read pip's configuration, so what pip is told on this machine is passed on. An index
# in a folder that does not exist is left out: pip skips it, uv would stop.
define PIP_SETTINGS_FOR_UV
import ast, os, pathlib, shlex, subprocess, sys
command = [sys.executable, "-m", "pip", "config", "list"]
lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
settings = dict(line.split("=", 1) for line in lines if "=" in line)
for variable, option, separator in (
    ("UV_DEFAULT_INDEX", "index-url", " "),
    ("UV_INDEX", "extra-index-url", " "),
    ("UV_FIND_LINKS", "find-links", ","),
    ("SSL_CERT_FILE", "cert", " "),
):
    said = [settings[s + option] for s in (":env:.", "install.", "global.") if s + option in settings]
    places = ast.literal_eval(said[0]).split() if said else []
    there = [p for p in places if not p.startswith("file://") or pathlib.Path(p[7:]).is_dir()]
    if there and variable not in os.environ:
        print(f"export {variable}={shlex.quote(separator.join(there))}")
endef
export PIP_SETTINGS_FOR_UV
export UV_INDEX_STRATEGY ?= unsafe-best-match
export UV_HTTP_TIMEOUT ?= 180
# torch's build for GPUs needs packages that its build for CPUs does not; they have their own lock.
define LACKS_GPU_PACKAGES
import importlib.metadata, sys
from packaging.requirements import Requirement
needed = map(Requirement, importlib.metadata.requires("torch") or [])
here = {r.name for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})}
locked = {line.split("==")[0] for line in open("requirements-gpu.lock") if "==" in line}
sys.exit(0 if here & locked else 1)
endef
export LACKS_GPU_PACKAGES
# Tests wait for servers, children and browsers about a third of their time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min((os.cpu_count() or 1) + 1, 4))')
READ_PIP_SETTINGS = eval "$$($(BIN)/python -c "$$PIP_SETTINGS_FOR_UV")"

.PHONY: help
help: ## Lists these commands
	@echo "make …"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1|\2/' | \
	  while IFS='|' read -r name what; do printf '%-9s %s\n' "$$name" "$$what"; done

.PHONY: setup
setup: $(STAMP) ## Installs everything into .venv in this folder, from requirements.lock

# The stamp is written last: that it exists means that everything is installed.
$(STAMP): requirements.lock requirements-gpu.lock pyproject.toml
	@start=$$SECONDS
	if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	  echo "Needed: Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv)."
	  echo "If it is under another name: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"
	  exit 2
	fi
	if [ ! -x $(BIN)/python ]; then
	  echo "setup 1/4  creating .venv with $$("$(PYTHON)" --version)"
	  "$(PYTHON)" -m venv .venv
	fi
	echo "setup 2/4  installing the installer, uv"
	installer=uv
	locked="$$(mktemp)"
	sed -n '/^uv==/,/^    #/p' requirements.lock > "$$locked"
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps \
	  --requirement "$$locked" || installer=pip
	if [ $$installer = uv ]; then
	  $(READ_PIP_SETTINGS)
	  install() { $(BIN)/uv pip install --quiet --python $(BIN)/python "$$@"; }
	  compile=--compile-bytecode
	else
	  echo "           uv is not to be had here: pip does it, slower"
	  install() { $(BIN)/python -m pip install -qq --disable-pip-version-check "$$@"; }
	  compile=--compile
	fi
	echo "setup 3/4  installing $$(grep -c '==' requirements.lock) packages from requirements.lock (some minutes on a new machine)"
	# both look for the hashes of the very version that is found: to them 2.13.0+cpu is not 2.13.0
	torch="$$(grep -o '^torch==[^ ]*' requirements.lock)"
	if [ $$installer = uv ]; then
	  torch="$$(echo "$$torch" | $(BIN)/uv pip compile - --no-deps --quiet | grep '^torch')"
	  sed "s/^torch==[^ ]*/$$torch/" requirements.lock > "$$locked"
	else
	  torch="$$($(BIN)/python -m pip install -qq --dry-run --no-deps --ignore-installed --report - "$$torch" \
	    | $(BIN)/python -c 'import json, sys; print("torch=={version}".format(**json.load(sys.stdin)["install"][0]["metadata"]))')"
	  sed "s/^torch==[^ ]*/$$torch/; /^uv==/,/^    #/d" requirements.lock > "$$locked"
	fi
	install $$compile --require-hashes --no-deps --requirement "$$locked"
	rm -f "$$locked"
	if $(BIN)/python -c "$$LACKS_GPU_PACKAGES"; then
	  echo "           and what torch's build for GPUs needs, from requirements-gpu.lock"
	  install $$compile --require-hashes --no-deps --requirement requirements-gpu.lock
	fi
	echo "setup 4/4  installing lakehouse itself, editable"
	install --no-deps --no-build-isolation --editable .
	touch $@
	echo "setup      done in $$((SECONDS - start)) s"

.PHONY: demo
demo: $(STAMP) ## Runs the whole main job on real flights data and shows what came out
	@$(BIN)/lakehouse demo

.PHONY: ui
ui: $(STAMP) ## Opens Dagster's web UI on this machine (127.0.0.1)
	@$(BIN)/lakehouse ui

.PHONY: test
test: $(STAMP) ## Runs all tests; one folder or name: make test ARGS="tests/lakehouse -k contract"
	@$(BIN)/pytest $(or $(ARGS),-n $(WORKERS) --dist loadfile)

.PHONY: torture
torture: $(STAMP) ## Kills, cuts off, fills up and restarts at every point; ends with a line of JSON
	@$(BIN)/pytest --torture -q -m "torture or long" -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: check
check: $(STAMP) ## Checks style, types, import layers and the locked packages
	@echo "check 1/5  ruff check";    $(BIN)/ruff check .
	echo "check 2/5  ruff format";    $(BIN)/ruff format --check .
	echo "check 3/5  mypy, strict";   $(BIN)/mypy
	echo "check 4/5  import layers";  $(BIN)/lint-imports --no-logo --no-cache
	echo "check 5/5  audit of the lock"; $(MAKE) audit

.PHONY: audit
audit: $(STAMP) ## Asks what is known against the locked packages: withdrawn, vulnerable, not as locked
	@$(READ_PIP_SETTINGS)
	$(BIN)/python .ci/audit.py

# Reads a benchmark's last line; silent where its limits were met.
define BENCH_VERDICT
import json, sys
result = json.load(sys.stdin)
for check in result.get("checks") or [result]:
    if check["ratio"] > check["limit"]:
        about = "" if check is result else ": " + check["name"]
        print("{}{}: {:.2f}, limit {}".format(result["name"], about, check["ratio"], check["limit"]))
endef
export BENCH_VERDICT

.PHONY: bench
bench: $(STAMP) ## Runs every benchmark and says which limits fell short; shorter: ARGS=--quick
	@shopt -s nullglob
	short=()
	for script in benchmarks/*.py; do
	  if [ "$$script" = benchmarks/common.py ]; then continue; fi
	  echo "bench      $$script"
	  log="$$(mktemp)"
	  if ! $(BIN)/python "$$script" $(ARGS) | tee "$$log"; then
	    short+=("$$script stopped with an error"); continue
	  fi
	  verdict="$$(tail -n 1 "$$log" | $(BIN)/python -c "$$BENCH_VERDICT")" \
	    || verdict="$$script did not end with its line of JSON"
	  while read -r line; do if [ -n "$$line" ]; then short+=("$$line"); fi; done <<< "$$verdict"
	  rm -f "$$log"
	done
	if [ $${#short[@]} -eq 0 ]; then echo "bench      every limit was met"; exit 0; fi
	echo "bench      fell short:"
	printf '  %s\n' "$${short[@]}"
	exit 1

.PHONY: lock
lock: ## Resolves requirements.lock anew from pyproject.toml; newest releases: ARGS=--upgrade
	@if [ ! -x $(BIN)/uv ]; then $(MAKE) setup; fi
	$(READ_PIP_SETTINGS)
	echo "lock       resolving pyproject.toml for Python 3.11"
	$(BIN)/python .ci/lock.py $(ARGS)
	echo "lock       $$(grep -c '==' requirements.lock) packages; install them with: make setup"

.PHONY: clean
clean: ## Removes the environment (.venv) and what tools left behind; the lake (.lake) stays
	@for thing in .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	    .import_linter_cache .grimp_cache dbt_project/target dbt_project/logs; do
	  if [ -e "$$thing" ]; then echo "clean      removing $$thing"; rm -rf "$$thing"; fi
	done
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
