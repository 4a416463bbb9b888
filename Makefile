# What each target does stands behind "##"; `make help` prints it.

API_PORT ?= 8701
PANEL_PORT ?= 8702
XMPP_PORT ?= 15222
HTTP_PORT ?= 15280

python := .venv/bin/python
lua_files := $(shell find prosody_mod tests -name '*.lua' -not -path '*/node_modules/*')

# Kept, or else each of the hundreds of processes of the tests would compile our modules anew.
export PYTHONPYCACHEPREFIX = $(CURDIR)/.cache/bytecode
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check fix bench soak lock help

run: ## Start a demo: auth service, panel and a real Prosody on loopback, proven by a login; Ctrl-C ends it
	@bash workbench/install.sh run
	@$(python) -m workbench.demo --api-port $(API_PORT) --panel-port $(PANEL_PORT) --xmpp-port $(XMPP_PORT) --http-port $(HTTP_PORT)

test: ## Install what the tests need and run everything
	@bash workbench/install.sh test
	@$(MAKE) --no-print-directory check
	@lua5.4 /usr/bin/busted --output=plainTerminal tests/lua
	@$(python) -m pytest tests/end_to_end
	@$(python) -m pytest --numprocesses 2 tests/unit tests/integration tests/http tests/panel

check: ## Linters, types, import rules
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy
	@.venv/bin/lint-imports --no-cache
	@luacheck --quiet --config .luacheckrc $(lua_files)

fix: ## Format, mend what linters can mend, and bring the panel's translations up to date
	@$(python) -m ruff check --fix .
	@$(python) -m ruff format .
	@bash workbench/translate.sh

bench: ## Measure logins, school bells, attacks and a bystander beside their peers
	@bash workbench/install.sh test
	@$(python) -m bench

soak: ## The long loops: 10,000 histories, 10,000 logins with kills and hangs, 200 suspensions with kills, 10,000 guests
	@bash workbench/install.sh test
	@HISTORIES=10000 lua5.4 /usr/bin/busted --output=plainTerminal tests/lua/histories_spec.lua
	@$(python) -m pytest tests/soak -m soak -s

lock: ## Pin the Python packages anew, with hashes
	@bash workbench/lock.sh

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-6s %s\n", $$1, $$2}' Makefile
