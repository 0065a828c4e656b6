#!/usr/bin/env bash
# What the program does on an NVIDIA GPU: golden tests, time, memory and agreement with the CPU, in one table and as JSON.
#
#   make cuda && benches/gpu.sh [gpu.py's options]
#   benches/gpu.sh --dry          the GPU's operations on the CPU, few cells: tries this benchmark without a GPU
#
# PROGRAM, LARGE and TESTS may name binaries that were built elsewhere: attentionae-sc (attentionae-sc-engine lies beside
# it), the benchmark `large`, and the test programs `model` and `trajectory`. libtorch is then that of python3, unless
# LIBTORCH names another.
set -euo pipefail
cd "$(dirname "$0")/.."

# The newest program of that name that cargo built.
built() { ls -t target/release/deps/"$1"-* | grep -v '\.d$' | head -n 1; }

if [ -z "${PROGRAM:-}" ]; then
    make --quiet setup build
    export LIBTORCH=${LIBTORCH:-$PWD/.deps/torch}
    cargo test --quiet --release --locked --no-run --test model --test trajectory
    cargo bench --quiet --locked --no-run --bench large
    PROGRAM=target/release/attentionae-sc
    LARGE=$(built large)
    TESTS="$(built model) $(built trajectory)"
else
    export LIBTORCH=${LIBTORCH:-$(python3 -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parent)')}
fi
export LD_LIBRARY_PATH="$LIBTORCH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec python3 benches/gpu.py --program "$PROGRAM" --large "$LARGE" --tests $TESTS -- "$@"
