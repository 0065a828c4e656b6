#!/usr/bin/env python3
"""Time, memory and agreement with the CPU of runs on a GPU. gpu.sh calls it.

    benches/gpu.py --program P --large L --tests T [T ...] [-- [--dry] [--skip-million] [--out benches/gpu.json]]

The JSON file is written anew after every step, so that a run that is cut short leaves what it found.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from threading import Event, Thread

STAGES = ["read", "preprocess", "graph", "pretrain", "embed", "partition", "cluster"]

# Name, cells, options, seconds of training and MiB of the GPU that were aimed at.
RUNS = [
    ("default", 4000, [], 5, None),
    ("published", 4000, ["-preset", "published"], 10, 1024),
    (
        "published, all cells in one batch, 2 + 2 epochs",
        50_000,
        ["-preset", "published", "-max_num_cell", "50000", "-training_epoch", "2", "-clustering_epoch", "2"],
        None,
        8192,
    ),
    ("default, a million cells", 1_000_000, [], None, None),
]
DRY_CELLS = 1000


def main():
    args = arguments()
    found = {"gpu": gpu_name(args), "dry": args.dry, "tests": {}, "runs": [], "agreement": []}
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        for test in args.tests:
            found["tests"].update(golden(test, args))
            keep(args, found)
        for name, n_cells, options, seconds, mib in RUNS:
            if n_cells > 50_000 and (args.dry or args.skip_million):
                continue
            n_cells = DRY_CELLS if args.dry else n_cells
            data = simulated(args, work, n_cells)
            row = run(args, work / "gpu", data, options) | {"name": name, "cells": n_cells, "options": options}
            row["aim"] = {"training_seconds": seconds, "gpu_mib": mib}
            found["runs"].append(row)
            if n_cells <= 4000:
                run(args, work / "cpu", data, options, on_gpu=False)
                share = ari(*(labels(work / device / "pred_label" / f"{data.stem}.csv") for device in ("gpu", "cpu")))
                found["agreement"].append({"name": name, "ari_gpu_cpu": share})
            keep(args, found)
    print_table(found)
    failed = [name for name, outcome in found["tests"].items() if outcome != "ok"]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--large", type=Path, required=True, help="the benchmark `large`, which simulates cells")
    parser.add_argument("--tests", type=Path, nargs="+", required=True, help="test programs with golden values")
    parser.add_argument("--dry", action="store_true", help="the GPU's operations on the CPU, few cells")
    parser.add_argument("--skip-million", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("benches/gpu.json"))
    own = [word for word in sys.argv[1:] if word != "--"]
    return parser.parse_args(own)


def gpu_name(args):
    if args.dry:
        return None
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout.strip()


def environment(args):
    dry = {"ATTENTIONAE_SC_KERNELS": "libtorch"} if args.dry else {}
    return os.environ | dry


def golden(test, args):
    """The outcome of every test of a test program, which tries the GPU where there is one."""
    said = subprocess.run([test], capture_output=True, text=True, env=environment(args)).stdout
    lines = [line.split() for line in said.splitlines() if line.startswith("test ") and " ... " in line]
    return {words[1]: words[3] for words in lines}


def simulated(args, work, n_cells):
    path = work / f"{n_cells}.h5ad"
    if not path.exists():
        subprocess.run([args.large, "--write", str(n_cells), path], check=True, stdout=subprocess.DEVNULL)
    return path


def run(args, output, data, options, on_gpu=True):
    """Seconds by stage, of training and in all, the most memory of GPU and process in MiB, and ARI."""
    on_device = "False" if args.dry or not on_gpu else "True"
    command = [args.program, "-name", data, "-output_dir", output, "-cuda", on_device, "-quiet", "True", *options]
    before, done, peak = gpu_mib(args), Event(), [0]
    watch = Thread(target=watch_gpu, args=(args, done, peak))
    watch.start()
    subprocess.run(command, check=True, env=environment(args) if on_gpu else os.environ)
    done.set()
    watch.join()
    results = json.loads((output / "results" / f"{data.stem}.json").read_text())
    seconds = Counter()
    for stage in results["stages"]:
        seconds[stage["name"]] += stage["seconds"]
    return {
        "stages": {name: round(seconds[name], 2) for name in STAGES},
        "training_seconds": round(seconds["pretrain"] + seconds["cluster"], 2),
        "seconds": round(results["seconds"], 2),
        "gpu_mib": max(peak[0] - before, 0),
        "peak_rss_mb": results["peak_rss_mb"],
        "ari": results["scores"]["ari"],
        "device": results["device"],
    }


def gpu_mib(args):
    if args.dry:
        return 0
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return int(subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()[0])


def watch_gpu(args, done, peak):
    while not done.is_set():
        peak[0] = max(peak[0], gpu_mib(args))
        time.sleep(0.2)


def labels(path):
    with path.open(newline="") as file:
        return [row["label"] for row in csv.DictReader(file)]


def ari(one, other):
    """Adjusted Rand index of two labellings (Hubert & Arabie 1985, doi:10.1007/BF01908075)."""
    pairs = lambda counts: sum(n * (n - 1) / 2 for n in counts.values())
    together, ones, others = pairs(Counter(zip(one, other))), pairs(Counter(one)), pairs(Counter(other))
    expected = ones * others / (len(one) * (len(one) - 1) / 2)
    most = (ones + others) / 2
    return 1.0 if most == expected else round((together - expected) / (most - expected), 4)


def keep(args, found):
    args.out.write_text(json.dumps(found, indent=1) + "\n")


def print_table(found):
    print(f"| run | cells | {' | '.join(STAGES)} | training s | total s | GPU MiB | RSS MB | ARI |")
    print("| --- |" + " --- |" * (len(STAGES) + 6))
    for row in found["runs"]:
        stages = " | ".join(f"{row['stages'][name]:.1f}" for name in STAGES)
        end = f"{row['training_seconds']} | {row['seconds']} | {row['gpu_mib']} | {row['peak_rss_mb']:.0f} | {row['ari']}"
        print(f"| {row['name']} | {row['cells']} | {stages} | {end} |")
    for pair in found["agreement"]:
        print(f"{pair['name']}: labels of GPU and CPU agree at ARI {pair['ari_gpu_cpu']}")
    outcomes = Counter(found["tests"].values())
    print("golden tests:", ", ".join(f"{n} {outcome}" for outcome, n in outcomes.items()))


if __name__ == "__main__":
    main()
