# What each target does stands behind "##"; `make help` prints it.

API_PORT ?= 8701
PANEL_PORT ?= 8702
PAGE_PORT ?= 8703
XMPP_PORT ?= 15222
HTTP_PORT ?= 15280

# Processes of pytest: more than there are processors, because end-to-end tests mostly wait.
WORKERS ?= $(shell echo $$(( $$(nproc) * 2 )))

python := .venv/bin/python
lua_files := $(shell find prosody_mod authbridge tests -name '*.lua' -not -path '*/node_modules/*')

# Kept, or else each of the hundreds of processes of the tests would compile our modules anew.
export PYTHONPYCACHEPREFIX = $(CURDIR)/.cache/bytecode
unexport PYTHONDONTWRITEBYTECODE

# Parts of `make check`: two run at a time, and beside the tests one.
checks := ruff format types imports luacheck
in_parallel := $(MAKE) --no-print-directory --jobs 2

.PHONY: run test check fix bench soak lock papers help $(checks) specs tests

run: ## Start a demo: auth service, panel, login page and a real Prosody on loopback, proven by a login; Ctrl-C ends it
	@bash workbench/install.sh run
	@$(python) -m workbench.demo --api-port $(API_PORT) --panel-port $(PANEL_PORT) --page-port $(PAGE_PORT) --xmpp-port $(XMPP_PORT) --http-port $(HTTP_PORT)

test: ## Install what the tests need and run everything
	@bash workbench/install.sh test
	@$(in_parallel) tests specs $(checks)
	@$(python) -m pytest -m "realtime and not soak" $$(grep --recursive --files-with-matches --include='test_*.py' mark.realtime tests)

check: ## Linters, types, import rules
	@$(in_parallel) --output-sync=target $(checks)

ruff:
	@$(python) -m ruff check .

format:
	@$(python) -m ruff format --check .

types:
	@$(python) -m mypy

imports:
	@.venv/bin/lint-imports --no-cache

luacheck:
	@luacheck --quiet --config .luacheckrc $(lua_files)

tests: # all that may share the machine
	@$(python) -m pytest --numprocesses $(WORKERS) -m "not realtime and not soak"

specs: # without its dots, which would stand among those of the tests
	@bash -o pipefail -c "lua5.4 /usr/bin/busted --output=plainTerminal tests/lua | sed -E 's/^[+]+$$//'"

fix: ## Format, mend what linters can mend, and bring the panel's translations up to date
	@$(python) -m ruff check --fix .
	@$(python) -m ruff format .
	@bash workbench/translate.sh

bench: ## Measure logins, school bells, attacks and a bystander beside their peers
	@bash workbench/install.sh test
	@$(python) -m bench

soak: ## The long loops: 4 hours under fire over each database (FIRE_SECONDS, FIRE_SEED), 10,000 histories, 10,000 logins with kills and hangs, 200 suspensions with kills, 10,000 guests, and what `make test` leaves out, the newest Prosody too
	@bash workbench/install.sh soak
	@PROSODY=all lua5.4 /usr/bin/busted --output=plainTerminal tests/lua
	@HISTORIES=10000 PROSODY=all lua5.4 /usr/bin/busted --output=plainTerminal tests/lua/histories_spec.lua
	@$(python) -m pytest -m soak -s

lock: ## Pin the Python packages anew, with hashes
	@bash workbench/lock.sh

papers: ## Make the papers of deploy/papers anew from the code and the pins, the SBOM (CycloneDX) too
	@$(python) -m workbench.papers

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-6s %s\n", $$1, $$2}' Makefile
