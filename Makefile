# The two that matter are `make site` and `make test`. `make help` lists the others.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help site serve test lint front-end unit bench exercises lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##/make \1 -/p' Makefile

site: $(VENV)/.site  ## build the book into _build/html
	$(PY) tools/build_site.py

serve: site  ## build the book and serve it on localhost
	$(PY) tools/serve.py

test: lint front-end unit  ## run every test

lint: $(VENV)/.test  ## check style, types and spelling
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(PY) -m codespell_lib
	$(PY) -m repo_review .

front-end: js/node_modules/.installed  ## check and test the explorer's TypeScript
	cd js && npm run check && npm test

unit: $(VENV)/.test js/node_modules/.installed site  ## run the tests in Python: unit, nbval, browser, JupyterLab
	$(PY) -m pytest --numprocesses 2

bench: $(VENV)/.test $(VENV)/.bench site  ## measure speeds and sizes
	PYTHONPATH=tools $(PY) benchmarks/figures.py
	$(PY) benchmarks/core.py --write
	$(PY) benchmarks/grading.py
	$(PY) benchmarks/class_of.py

exercises: $(VENV)/.site  ## write the students' notebooks from their sources
	$(VENV)/bin/lecopt exercise release

lock: $(VENV)/.test  ## pin every dependency anew
	$(PY) tools/lock.py

clean:  ## remove what was built, keep what was installed
	rm -rf _build dist

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.version_info >= (3, 11) or sys.exit(f"lecopt needs Python 3.11 or later and $(PYTHON) is {v}. Name another: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.site: requirements.txt pyproject.toml | $(VENV)/bin/pip
	@echo "Installing what the book needs into $(VENV): about a minute."
	$(PIP) --requirement requirements.txt
	@touch $@

$(VENV)/.test: tests/requirements.txt tools/provide.py $(VENV)/.site
	@echo "Installing what the tests need."
	$(PIP) --requirement tests/requirements.txt
	$(PY) tools/provide.py node chromium bubblewrap
	@touch $@

$(VENV)/.bench: benchmarks/requirements.txt $(VENV)/.test
	$(PIP) --requirement benchmarks/requirements.txt
	@touch $@

js/node_modules/.installed: js/package-lock.json $(VENV)/.test
	cd js && npm ci --no-audit --no-fund
	@touch $@
