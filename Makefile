# Each target sets up .venv on a fresh machine first; again, it is quick.
# `make studio` opens the studio in the browser.
# `make demo` restores a clip that it draws itself, `make demo CLIP=file GAP=0.8:1.6` one of yours.
# Tests run in WORKERS processes: by default one for each core, at most four.
# TORCH_INDEX=URL takes torch from another package index first, such as PyTorch's own index of CPU builds.

# MediaPipe 0.10.21, which carries its models, has wheels up to Python 3.12; the pinned SciPy begins with 3.11.
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/installed
WORKERS ?= $(shell n=$$(env -u OMP_NUM_THREADS nproc); echo $$((n < 4 ? n : 4)))
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.PHONY: test quick paper smoke smoke_general smoke_speech demo studio lint clean

# Small arrays are fastest on one thread; several wait for each other where the machine has other work.
test quick paper: export OMP_NUM_THREADS = 1

test: $(INSTALLED)
	$(PYTEST)

quick: $(INSTALLED)
	$(PYTEST) -m "not slow and not recipe"

# The paper's split, its five models and its table, on 33 drawn speakers.
paper: $(INSTALLED)
	$(BIN)/python -m pytest -m recipe

smoke: $(INSTALLED)
	recipes/grid/run.sh --smoke
	$(BIN)/python -m evaluation.plan recipes/grid/smoke/data/train --config recipes/grid/conf/smoke.yaml --hours 100 --utterances 8

smoke_general: $(INSTALLED)
	recipes/grid/run_general.sh --smoke

smoke_speech: $(INSTALLED)
	recipes/speech/run.sh --smoke

ifdef CLIP
demo: $(INSTALLED)
	@if [ -z "$(GAP)" ]; then echo "usage: make demo CLIP=video-of-a-speaker GAP=0.8:1.6" >&2; exit 1; fi
	$(BIN)/avsi demo --clip "$(CLIP)" --gap "$(GAP)" -o out/demo
else
GAP ?= 1.2:2.0
demo: $(INSTALLED) out/mini_grid
	$(BIN)/avsi demo --clip out/mini_grid/s1/*.mpg --gap "$(GAP)" -o out/demo \
	    --about "A sentence of mini-GRID: a drawn face and a synthesised voice, which no model was trained on."
endif

# The studio, with a clip of which a part is missing; `make studio CLIP=file` with one of yours.
studio: $(INSTALLED) $(if $(CLIP),,out/studio/clip.mp4)
	$(BIN)/avsi studio $(if $(CLIP),"$(CLIP)",out/studio/clip.mp4)

out/studio/clip.mp4: | $(INSTALLED) out/mini_grid
	mkdir -p out/studio
	$(BIN)/avsi damage out/mini_grid/s1/*.mpg -o $@ --kind silence --truth out/studio/truth.txt --seed 1 --force

out/mini_grid: | $(INSTALLED)
	$(BIN)/python -m data_prep.mini_grid --out $@ --speakers 1 --sentences 1 --seed 0

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv out

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or 3.12 is needed; name one with PYTHON=..." >&2; exit 1; fi
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt torch
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
