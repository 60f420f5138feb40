# make patrol   run the patrol on the live stream        make demo   the whole system on this machine
# make test     install what the tests need, run them    make wheel  build a wheel
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: patrol demo test lint fuzz wheel debian clean help
help:
	@sed -n '1,2s/^# //p' Makefile

# pip comes last in a virtual environment: with it, the environment is whole.
$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { echo "tsbot needs Python 3.11 or newer, and there is no $(PYTHON). On Debian: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("tsbot needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments. On Debian: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# One stamp per set of extras, so that `make patrol` installs no test tools.
$(VENV)/.patrol: $(BIN)/pip pyproject.toml
	$(BIN)/pip install --quiet --editable .
	@touch $@
$(VENV)/.demo: $(BIN)/pip pyproject.toml
	$(BIN)/pip install --quiet --editable '.[demo]'
	@touch $@
$(VENV)/.test: $(BIN)/pip pyproject.toml
	$(BIN)/pip install --quiet --editable '.[test]'
	@touch $@

debian:
	sh tsbot/demo/debian/install.sh

patrol: $(VENV)/.patrol
	$(BIN)/tsbot patrol $(ARGS)

demo: debian $(VENV)/.demo
	$(BIN)/tsbot demo $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy

test: debian $(VENV)/.test lint
	$(BIN)/pytest $(ARGS)

fuzz: $(VENV)/.test
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	$(BIN)/python tests/fuzz/fuzz_text.py -max_total_time=$(or $(SECONDS),60)

wheel: $(BIN)/pip
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build tsbot-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
