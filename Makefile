# make patrol   run the patrol on the live stream        make demo   the whole system on this machine
# make test     install what the tests need, run them    make wheel  build a wheel
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: patrol demo test lint wheel debian clean help
help:
	@sed -n 's/^# //p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("tsbot needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

# One stamp per set of extras, so that `make patrol` installs no test tools.
$(VENV)/.patrol: $(BIN)/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	@touch $@
$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[demo]'
	@touch $@
$(VENV)/.test: $(BIN)/python pyproject.toml
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

wheel: $(BIN)/python
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build tsbot-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
