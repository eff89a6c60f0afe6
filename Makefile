# `make test` and `make demo CLIP=file GAP=0.8:1.6` set up .venv on a fresh machine and do their job; again, they are quick.
# TORCH_INDEX=URL takes torch from another package index first, such as PyTorch's own index of CPU builds.

# MediaPipe 0.10.21, which carries its models, has wheels up to Python 3.12; the pinned SciPy begins with 3.11.
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: test quick demo lint clean

test: $(INSTALLED)
	$(BIN)/python -m pytest

quick: $(INSTALLED)
	$(BIN)/python -m pytest -m "not slow"

demo: $(INSTALLED)
	@if [ -z "$(CLIP)" ] || [ -z "$(GAP)" ]; then echo "usage: make demo CLIP=video-of-a-speaker GAP=0.8:1.6" >&2; exit 1; fi
	$(BIN)/avsi demo --clip "$(CLIP)" --gap "$(GAP)" -o out/demo

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf .venv out

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or 3.12 is needed; name one with PYTHON=..." >&2; exit 1; fi
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt torch
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
