#!/usr/bin/env bash
# The engine on an NVIDIA GPU, in one table: exact training of 4,000 cells (200 + 100 epochs) and of 50,000 cells
# (2 + 2 epochs), seconds by stage and peak memory of the GPU.
#
#   make cuda && benches/gpu.sh [REFERENCE.py]
#
# REFERENCE.py, where given, is a plain PyTorch run to compare with: it is called with a data set and --json FILE.
# Golden tests run first, on the CPU and on the GPU. PROGRAM and LARGE may name binaries built elsewhere; attentionae-sc-engine
# lies beside PROGRAM.
set -euo pipefail
cd "$(dirname "$0")/.."
reference=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v nvidia-smi >/dev/null || { echo "nvidia-smi is missing: this benchmark needs an NVIDIA GPU" >&2; exit 1; }

if [ -z "${PROGRAM:-}" ]; then
    make --quiet setup
    cargo test --release --locked --test model -- --nocapture | grep -E "^test |relative|on Cuda" || true
    cargo build --release --locked
    PROGRAM=target/release/attentionae-sc
    write() { cargo bench --locked --bench large -- --write "$1" "$2"; }
else
    write() { "$LARGE" --write "$1" "$2"; }
fi

# Runs a command; the most memory of the GPU meanwhile, in MiB, goes to $work/peak.
watched() {
    local before used peak=0
    before=$(nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits | head -n 1)
    "$@" >"$work/said" 2>&1 &
    local run=$!
    while kill -0 "$run" 2>/dev/null; do
        used=$(nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits | head -n 1)
        if [ "$used" -gt "$peak" ]; then peak=$used; fi
        sleep 0.2
    done
    wait "$run" || { cat "$work/said" >&2; exit 1; }
    echo $((peak - before)) >"$work/peak"
}

# Prints a row from the JSON of a run: stages of ours, or the reference's clock.
row() {
    python3 - "$1" "$2" "$(cat "$work/peak")" <<'PYTHON'
import json, sys
name, path, peak = sys.argv[1:]
found = json.load(open(path))
if "stages" in found:
    seconds = {stage["name"]: stage["seconds"] for stage in found["stages"]}
    total, ari = found["seconds"], found["scores"]["ari"]
else:
    seconds, ari = found["seconds"], found.get("ari")
    total = seconds["total"]
cells = [f"{seconds.get(stage, 0):.1f}" for stage in ("graph", "pretrain", "partition", "cluster", "embed")]
print(f"| {name} | " + " | ".join(cells) + f" | {total:.1f} | {peak} | {ari if ari is None else round(ari, 3)} |")
PYTHON
}

ours() {
    local cells=$1; shift
    watched "$PROGRAM" -name "$work/$cells.h5ad" -cuda True -preset published -max_num_cell "$cells" -output_dir "$work" "$@"
    row "$cells cells" "$work/results/$cells.json"
}

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
write 4000 "$work/4000.h5ad"
write 50000 "$work/50000.h5ad"
echo "| run | graph s | pretrain s | partition s | cluster s | embed s | total s | GPU MiB | ARI |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
ours 4000
if [ -n "$reference" ]; then
    watched python3 "$reference" "$work/4000.h5ad" --json "$work/reference.json"
    row "reference, 4000 cells" "$work/reference.json"
fi
ours 50000 -training_epoch 2 -clustering_epoch 2
