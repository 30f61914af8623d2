PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.PHONY: env demo line reproduce package docs test test-slow test-tfx lint format bench protos lock \
	lock-tfx clean

env: $(VENV)/.installed  ## make .venv with the exact versions of requirements.lock

# Compiled once: where nothing may be written later, or PYTHONDONTWRITEBYTECODE is set, each process
# would compile TensorFlow anew, which is more than half of its start.
$(VENV)/.installed: requirements.lock setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python \
		--require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

demo: env  ## the main job end to end on synthetic faces
	$(BIN)/ganimation demo --output demo

line: env  ## the line on drawn faces in build/line; again, it runs what has changed
	test -d build/line/photos || \
		$(BIN)/ganimation synthesize --count 160 --image-size 64 --output build/line/photos
	test -f build/line/dvc.yaml || $(BIN)/ganimation line init build/line --small
	$(BIN)/ganimation line run build/line

reproduce: env  ## a tiny line with a fixed seed, compared with the digests that are kept of it
	$(BIN)/python tests/reproduction/reproduce.py

package: env  ## wheel and sdist are built, installed outside of the checkout, and tried
	$(BIN)/python -m pytest -m slow tests/packaging

test: env  ## every test but the slow ones
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: env  ## the minutes-long proofs
	$(BIN)/python -m pytest -m slow

test-tfx: env  ## the tests of the TFX line, in an environment of its own; minutes
	$(BIN)/python tests/helpers/tfx_place.py

docs: env  ## the site in build/docs; a reference that leads nowhere is an error
	$(BIN)/sphinx-build -E -W --keep-going -q -b html docs build/docs

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: env
	for benchmark in benchmarks/*.py; do $(BIN)/python $$benchmark || exit 1; done

protos: env  ## compile ganimation_tf/protos/*.proto; what it makes is committed
	$(BIN)/python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. \
		ganimation_tf/protos/*.proto

lock: env  ## renew requirements.lock from setup.cfg and judges.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --extra all --extra dev --upgrade \
		setup.cfg judges.in -o requirements.lock

lock-tfx: env  ## renew requirements-tfx.lock from setup.cfg and tfx.in
	$(BIN)/uv pip compile --quiet --python-version 3.13 --python-platform x86_64-manylinux_2_40 \
		--no-python-downloads --generate-hashes --no-emit-index-url --no-emit-find-links \
		--extra tfx --upgrade setup.cfg tfx.in -o requirements-tfx.lock

clean:
	rm -rf $(VENV) .venv-tfx demo build *.egg-info
