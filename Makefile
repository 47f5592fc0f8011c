# Every target sets up .venv first, where it is missing or older than what it is made from.
PYTHON ?= python3
BIN := .venv/bin
# A file's tests share runs, and stay together; tests/longest.py says which start first.
SHARED_OUT := -n auto --dist loadfile --no-loadscope-reorder
export HF_HUB_DISABLE_TELEMETRY := 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: demo test test-vllm quick attack check docs fix clean

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/.ready            ## the main job on the embedded default
	$(BIN)/python -m grit

test: .venv/.ready            ## all tests
	$(BIN)/python -m pytest $(SHARED_OUT)

.venv-vllm/.ready: tests/vllm_servers/overlay.txt tests/vllm_servers/overlay.py .venv/.ready
	$(BIN)/python tests/vllm_servers/overlay.py .venv-vllm
	touch $@

test-vllm: .venv-vllm/.ready  ## what needs vLLM: its servers on this machine's CPU
	VLLM_PYTHON=$(CURDIR)/.venv-vllm/bin/python $(BIN)/python -m pytest -m vllm tests/vllm_servers

quick: .venv/.ready           ## the tests that a change needs first; FILES= names what has changed
	$(BIN)/python -m pytest $(SHARED_OUT) -m "not slow" $$($(BIN)/python tests/quick.py $(FILES))

attack: .venv/.ready          ## what was broken once, at many more moments and with more cases
	ATTACKS=20 $(BIN)/python -m pytest tests/attacks

check: .venv/.ready           ## linters and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/.ready             ## the documents as a site, into site/
	$(BIN)/python -m mkdocs build --strict --quiet

fix: .venv/.ready             ## what linters can mend by themselves
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:                        ## the environment and caches; never runs/
	rm -rf .venv .venv-vllm .pytest_cache .mypy_cache .ruff_cache .hypothesis dist site
