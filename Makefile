# Two commands on a fresh machine: `make demo` and `make test`. All they make stays in this folder.

# python3 may be older than 3.11, or a shim that starts nothing: take the first that really is new enough.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
DURATION ?= 20s

PACKAGES := core $(patsubst %/pyproject.toml,%,$(sort $(wildcard plugins/*/*/pyproject.toml)))

.PHONY: help demo test clean python

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | tr '|' '\t'

demo: .venv/.installed  ## run the quick start for 20 s against a simulated exchange (DURATION=5s for less)
	.venv/bin/hft run profiles/quickstart.yaml --duration $(DURATION)

test: .tools/.installed  ## run every check on every Python that is installed
	.tools/bin/tox run-parallel --parallel auto --parallel-no-spinner

clean:  ## remove what the other targets made
	rm -rf .venv .tools .tox site

.venv/.installed: bootstrap.py $(PACKAGES:%=%/pyproject.toml) | python
	$(PYTHON) bootstrap.py .venv --editable $(PACKAGES)

.tools/.installed: bootstrap.py | python
	$(PYTHON) bootstrap.py .tools 'tox>=4.29' 'tox-uv>=1.25'

python:
	@test -n '$(PYTHON)' || { \
	  echo 'hft needs Python 3.11 or newer and found none; install one, or make PYTHON=/path/to/python' >&2; exit 1; }
