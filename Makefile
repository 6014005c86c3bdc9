# Everything is installed into .venv, with the first Python 3.10 or newer that is found. To choose another one:
# `make test PYTHON=python3.12`. Options for pytest: `make test PYTEST=-rs`.

CANDIDATES = python3 python3.14 python3.13 python3.12 python3.11 python3.10 python
PYTHON = $(shell for p in $(CANDIDATES); do $$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
RUN = .venv/bin/python

.DEFAULT_GOAL = help
.PHONY: help test demo play site docs gallery bench soak format clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

test: .venv/dev.installed  ## run the tests, ruff and mypy
	$(RUN) -m pytest -q -n auto --maxprocesses 4 $(PYTEST)
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	@# mypy needs the type hints of the newest numpy, which does not support Python 3.10
	if $(RUN) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then $(RUN) -m mypy; fi

demo: .venv/demos.installed  ## train two classifiers in the terminal: two moons and handwritten digits
	$(RUN) -m demos.moons
	$(RUN) -m demos.digits

play: .venv/demos.installed  ## open the playground: train a network in the browser and click any number
	$(RUN) -m playground

site: .venv/demos.installed  ## write the playground to site/ as a static web site, with Python running in the browser
	$(RUN) -m playground.site --output site

docs: .venv/docs.installed  ## build the book into output/site/
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet
	@echo "Open output/site/index.html. For the search, start a server: $(RUN) -m http.server --directory output/site"

gallery: .venv/demos.installed  ## draw the pictures in docs/gallery/ again
	$(RUN) -m demos.gallery

bench: .venv/dev.installed  ## compare the speed of Nudge with micrograd, numpy, PyTorch and JAX, as far as they are installed
	$(RUN) -m tests.benchmarks

soak: .venv/dev.installed  ## run the slow tests, which take many minutes
	$(RUN) -m pytest -m soak

format: .venv/dev.installed  ## fix and format the source with ruff
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

clean:  ## remove .venv, caches and output
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist output *.egg-info
	[ ! -d site ] || find site -mindepth 1 -maxdepth 1 ! -name pyodide -exec rm -rf {} +  # pyodide/ was put there by hand
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.10 or newer found. Give its path: make test PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/%.installed: pyproject.toml | .venv/bin/python
	$(RUN) -m pip install --quiet --editable '.[$*]'
	@echo 'Installed into .venv. Before you run Python commands: source .venv/bin/activate'
	@touch $@
