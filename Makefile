# Everything happens in .venv, which `make` sets up with the first Python 3.10 or newer that it finds:
# `make test PYTHON=python3.12` chooses another.

CANDIDATES = python3 python3.14 python3.13 python3.12 python3.11 python3.10 python
PYTHON = $(shell for p in $(CANDIDATES); do $$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
RUN = .venv/bin/python

.DEFAULT_GOAL = help
.PHONY: help test demo play site docs gallery bench soak format clean

help:  ## list what one can do
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

test: .venv/dev.installed  ## set up, then run the tests, ruff and mypy
	$(RUN) -m pytest -q -n auto --maxprocesses 4
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	@# types are checked against those of the newest numpy, which Python 3.10 does not get
	if $(RUN) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then $(RUN) -m mypy; fi

demo: .venv/demos.installed  ## set up, then train the two classifiers: moons and handwritten digits
	$(RUN) -m demos.moons
	$(RUN) -m demos.digits

play: .venv/play.installed  ## set up, then open the playground: a network learns in your browser, every number a click away
	$(RUN) -m playground

site: .venv/play.installed  ## set up, then write the playground to site/, for any web server: Python runs in the reader's browser
	$(RUN) -m playground.site --output site

docs: .venv/docs.installed  ## build the book into output/site/, and say where to read it
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet
	@echo "open output/site/index.html, or to search it too: $(RUN) -m http.server --directory output/site"

gallery: .venv/demos.installed  ## make the pictures in docs/gallery/ again
	$(RUN) -m demos.gallery

bench: .venv/dev.installed  ## time Nudge beside micrograd, numpy by hand, and PyTorch and JAX where installed
	$(RUN) -m tests.benchmarks

soak: .venv/dev.installed  ## the tests that run for minutes
	$(RUN) -m pytest -m soak

format: .venv/dev.installed  ## rewrite the source as ruff would have it
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

clean:  ## remove what make and the tools made
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist output *.egg-info
	[ ! -d site ] || find site -mindepth 1 -maxdepth 1 ! -name pyodide -exec rm -rf {} +  # that was put there by hand
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.10 or newer found; name one: make test PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/%.installed: pyproject.toml | .venv/bin/python
	$(RUN) -m pip install --quiet --editable '.[$*]'
	@touch $@
