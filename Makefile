# make patrol   run the patrol on the live stream        make demo   the whole system on this machine
# make test     install what the tests need, run them    make wheel  build a wheel
# make gadget   build the script for the wikis           make lint   style of Python and of the gadget
# make demo ARGS=--many-machines   the same on PostgreSQL and NATS, with two workers
# make console  fetch what the console takes from npm (Codex, htmx); demo, test and wheel do it too
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

GADGET := tsbot/console/gadget
NPM := tsbot/console/npm
VENDOR := tsbot/console/static/vendor

.PHONY: patrol demo test test-here test-live tests lint fuzz wheel console gadget debian clean help
help:
	@sed -n '1,4s/^# //p' Makefile

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

# npm checks each package against the checksums of the lock file.
$(VENDOR)/codex.css: $(NPM)/package.json $(NPM)/package-lock.json $(NPM)/copy.mjs
	@command -v npm >/dev/null || { echo "The console's styles come from npm packages, and there is no npm. On Debian: apt install npm" >&2; exit 1; }
	cd $(NPM) && npm ci --loglevel=error && node copy.mjs

console: $(VENDOR)/codex.css

debian:
	sh tsbot/demo/debian/install.sh $(filter --machines,$(patsubst --many-machines,--machines,$(ARGS)))

patrol: $(VENV)/.patrol
	$(BIN)/tsbot patrol $(ARGS)

demo: debian console $(VENV)/.demo
	$(BIN)/tsbot demo $(ARGS)

# npm checks each package against the checksums of the lock file.
$(GADGET)/node_modules/.package-lock.json: $(GADGET)/package.json $(GADGET)/package-lock.json
	@command -v npm >/dev/null || { echo "The gadget's style is checked with packages from npm, and there is no npm. On Debian: apt install npm" >&2; exit 1; }
	cd $(GADGET) && npm ci --loglevel=error
	@touch $@

lint: $(VENV)/.test $(GADGET)/node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd $(GADGET) && npm run --silent lint

gadget: $(VENV)/.patrol
	$(BIN)/python -m tsbot.console.gadget.build "$(CONSOLE)" dist/gadget

tests:
	sh tsbot/demo/debian/install.sh --tests

# Tests on real wikis and in a real browser wait much; they run beside the others.
test: tests console $(VENV)/.test lint
	$(MAKE) --no-print-directory --jobs=2 --keep-going test-here test-live
test-here:
	$(BIN)/pytest -m 'not live' $(ARGS)
test-live:
	$(BIN)/pytest -m live $(ARGS)

fuzz: $(VENV)/.test
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	$(BIN)/python tests/fuzz/fuzz_text.py -max_total_time=$(or $(SECONDS),60)

wheel: console $(BIN)/pip
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) $(VENDOR) $(NPM)/node_modules $(GADGET)/node_modules dist build tsbot-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
