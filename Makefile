# Every habit by name. `make help` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SERVICES := accounts events orders payments tickets
# Tests run file by file beside each other, each process with a PostgreSQL of its own; what takes longest begins first.
BESIDE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install up reset test lint format proto bench images e2e chaos docs secrets backup restore clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# What runs the system; the tools for tests and lint come on top when they are first needed.
$(VENV)/.runtime: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed ($(PYTHON) was not found). Set PYTHON=... if it has another name."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Set PYTHON=... to one that is."; exit 1; }
	@echo "Creating $(VENV) (a minute or two, the first time only) ..."
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)  # without its ensurepip, Debian's python leaves half of one behind
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[accounts,events,orders,payments,tickets,gateway,local]'
	@touch $@

$(VENV)/.installed: $(VENV)/.runtime
	@echo "Adding the tools for tests and lint ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[accounts,events,orders,payments,tickets,gateway,local,dev]'
	@touch $@

install: $(VENV)/.installed ## the environment with everything in it

up: $(VENV)/.runtime ## the whole system on this machine, with demo data
	@exec $(BIN)/python -m local.up

reset: $(VENV)/.runtime ## forget all data of the local system
	@$(BIN)/python -c "from local.up import reset; reset()"

test: $(VENV)/.installed ## all tests that need neither Docker nor root
	$(BIN)/python -m pytest $(BESIDE)

lint: $(VENV)/.installed ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy chassis gateway local services tests bench chaos deploy/kubernetes conftest.py

format: $(VENV)/.installed ## let ruff lay out the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

proto: $(VENV)/.installed ## generate Python from proto/
	$(BIN)/python -m proto.generate

bench: $(VENV)/.installed ## measure: CPU per order, orders per second, a flash sale, reads, PDFs
	$(BIN)/python -m bench

chaos: $(VENV)/.installed ## buyers against a saboteur: make chaos ROUNDS=10 SEED=1 [FIRST=17] [PURCHASES=2] [SECONDS=240], then a checker
	$(BIN)/python -m chaos --rounds $(or $(ROUNDS),10) --seed $(or $(SEED),1) --first $(or $(FIRST),1) \
		--purchases $(or $(PURCHASES),3) --seconds $(or $(SECONDS),0) $(if $(BROKER),--broker $(BROKER)) $(if $(RABBITMQCTL),--rabbitmqctl "$(RABBITMQCTL)")

docs: $(VENV)/.installed ## generate docs/settings.md and docs/replicas.md
	$(BIN)/python -m tests.generate_docs

secrets: ## what `docker compose up` reads: every secret as a file, and .env
	@test -e .env || cp .env.example .env
	@python3 deploy/compose/make_secrets.py

images: ## build every image of docker-compose.yml
	docker compose build $(SERVICES:%=%-api) gateway fake-stripe

e2e: $(VENV)/.installed images ## the journeys through containers: images, PostgreSQL, RabbitMQ (needs Docker)
	$(BIN)/python -m pytest tests/e2e --timeout 600

backup: ## everything that the compose system keeps, into TO=folder (default var/backup/<time>); STAY_DOWN=1 to move
	@STAY_DOWN=$(STAY_DOWN) deploy/compose/backup.sh $(TO)

restore: ## puts back what `make backup` kept: make restore FROM=folder
	@deploy/compose/restore.sh $(FROM)

clean: ## remove the environment and caches (not the data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
