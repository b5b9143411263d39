# make compare   install into .venv and compare the policies on one stock
# make test      lint, types, import layers and the test suite
# make lint      the same without the test suite
# make tutorials run the tutorials into build/tutorials; one of them with ONLY=07
# make clean     remove what tools leave behind (not .venv: delete that by hand)
#
# PYTHON=python3.12 make compare   chooses the interpreter that .venv is made with

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
export PYTHON

.PHONY: compare test lint tutorials clean
.NOTPARALLEL:

compare: $(VENV)/.installed
	$(BIN)/ecodecide compare hake-argentina-north

test: lint
	$(BIN)/python -m pytest -q

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tutorials: $(VENV)/.installed-test
	$(BIN)/python tutorials/build.py $(ONLY)

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +

# The stamps are written last, so an interrupted install is done again.
$(VENV)/.installed: pyproject.toml .ci/install
	@sh .ci/install $(VENV)

$(VENV)/.installed-test: pyproject.toml .ci/install
	@sh .ci/install $(VENV) test
