# make demo   the bundled server, the tray app, and notifications appearing
# make test   every check and every test          make check  formatting, lint, types
# make bench  side-by-side benchmarks, minutes    make soak   what takes long to break, half an hour
# make translations  bring the catalogs of other languages up to date
# make debug  the tests in asyncio's debug mode, which finds calls from a wrong thread and takes a third longer
# make clean  forget the environment

PYTHON ?= python3
BIN := .venv/bin
# Two processors have time for a third: many tests wait for programs.
TESTS := --numprocesses 3 --dist worksteal

.PHONY: demo test debug check bench soak format translations clean

demo: .venv/.product
	@$(BIN)/sse-notifier demo

test: check
	@tests/system-packages
	$(BIN)/python -m pytest $(TESTS)

debug: .venv/.tools
	@tests/system-packages
	$(BIN)/python -m pytest $(TESTS) -o asyncio_debug=true

check: .venv/.tools
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	@for platform in win32 darwin; do echo "mypy for $$platform"; \
	    $(BIN)/mypy --platform $$platform --no-warn-unreachable --cache-dir .mypy_cache/$$platform \
	        -p notifier -p server || exit 1; done

bench: .venv/.tools
	$(BIN)/python -m tests.bench

soak: .venv/.tools
	$(BIN)/python -m tests.soak

translations: .venv/.tools
	$(BIN)/python -m tests.catalogs

format: .venv/.tools
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf .venv .bench

.venv/.pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "sse-notifier needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	    { echo "This Python cannot make environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

.venv/.product: pyproject.toml | .venv/.pip
	@echo "Setting up sse-notifier in .venv ..."
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.tools: pyproject.toml | .venv/.pip
	@echo "Setting up sse-notifier and its test tools in .venv ..."
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@ .venv/.product
