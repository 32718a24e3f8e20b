# `make` alone lists what there is to do.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
	$(if $(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(name))))
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
READY := .venv/.ready
JOBS ?= 2

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(READY) ## Create .venv with vbvr in it, from the lock.

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "vbvr needs Python 3.11 or newer, and none was found. Set PYTHON=..." >&2; exit 3; }
ifdef UV
	uv venv --quiet --allow-existing --python "$(PYTHON)" .venv
	uv pip install --quiet --python .venv --require-hashes -r requirements.lock
	uv pip install --quiet --python .venv --no-deps --no-build-isolation -e .
else
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
endif
	@touch $@
	@echo "vbvr is ready: $(BIN)/vbvr"

.PHONY: demo
demo: setup ## Make a small real dataset in ./demo and say what to do next.
	$(BIN)/vbvr generate -g all -n 12 --dest demo
	@echo
	@echo "The dataset is in demo/questions: open a ground_truth.mp4 beside its prompt.txt."
	@echo "Next: $(BIN)/vbvr status                               is it complete?"
	@echo "      $(BIN)/vbvr generate -g all -n 100 --dest demo   extend it; nothing is made twice"
	@echo "      $(BIN)/vbvr generators list                      what else can be asked for"

.PHONY: check
check: setup ## Lint, format, types, layering, generated docs.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/commands.py --check
	$(BIN)/python infra/permissions.py --check

.PHONY: test
test: setup ## Run the tests.
	$(BIN)/pytest -q -n $(JOBS)

.PHONY: rehearse
rehearse: setup ## Deploy into an emulated AWS account, make samples there, repair, download, destroy.
	$(BIN)/pytest -q -s -o addopts="--strict-markers --strict-config -ra" tests/rehearsal

.PHONY: docs
docs: setup ## Write what is written in docs: the commands' help, the table of permissions.
	$(BIN)/python docs/commands.py
	$(BIN)/python infra/permissions.py

.PHONY: synth
synth: setup ## Write what would be deployed into build/cdk, without AWS (CDK_CONTEXT_JSON='{...}' for settings).
	CDK_OUTDIR=build/cdk $(BIN)/python infra/app.py

.PHONY: template
template: setup ## Write the one-click CloudFormation template, infra/template.yaml.
	$(BIN)/python infra/template.py

.PHONY: bench
bench: setup ## Measure speed and memory (some minutes).
	@for bench in tests/bench/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

.PHONY: lock
lock: ## Resolve requirements.lock anew (needs uv).
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		--extra deploy --group dev pyproject.toml -o requirements.lock
	for name in requirements build; do uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate -c requirements.lock lambda_image/$$name.in -o lambda_image/$$name.lock || exit 1; done
	uv pip compile --quiet --no-deps --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		lambda_image/fonts.in -o lambda_image/fonts.lock

.PHONY: clean
clean: ## Remove .venv, caches and the demo.
	rm -rf .venv .vbvr demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
