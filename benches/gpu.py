#!/usr/bin/env python3
"""Time, memory and agreement with the CPU of runs on a GPU. gpu.sh calls it.

    benches/gpu.py --program P --large L --tests T [T ...]
                   [-- [--dry] [--runs NAME ...] [--data FILE ...] [--cpu_too] [--out benches/gpu.json]]

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
RUNS = {
    "published": (4000, ["-preset", "published"], 10, 1024),
    "default": (4000, [], 5, None),
    "whole": (
        50_000,
        ["-preset", "published", "-max_num_cell", "50000", "-training_epoch", "2", "-clustering_epoch", "2"],
        None,
        8192,
    ),
    "million": (1_000_000, [], None, None),
}
DRY_CELLS = 1000


def main():
    args = arguments()
    found = {"gpu": gpu_name(args), "cores": len(os.sched_getaffinity(0)), "dry": args.dry}
    found |= {"tests": {}, "runs": [], "agreement": []}
    found["gpu_mib_of_libtorch"] = mib_of_libtorch(args)
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        work = Path(work)
        for test in args.tests:
            found["tests"].update(golden(test, args))
            keep(args, found)
        for name in args.runs:
            n_cells, options, seconds, mib = RUNS[name]
            if args.dry and n_cells > 50_000:
                continue
            data = simulated(args, work, DRY_CELLS if args.dry else n_cells)
            aim = {"aim": {"training_seconds": seconds, "gpu_mib": mib}}
            try_out(args, work, found, data, {"name": name, "options": options} | aim, twice=n_cells <= 4000)
        for data in args.data:
            try_out(args, work, found, data, {"name": data.stem, "options": []}, twice=True)
    print_table(found)
    failed = [name for name, outcome in found["tests"].items() if outcome != "ok"]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--large", type=Path, required=True, help="the benchmark `large`, which simulates cells")
    parser.add_argument("--tests", type=Path, nargs="+", required=True, help="test programs with golden values")
    parser.add_argument("--dry", action="store_true", help="the GPU's operations on the CPU, few cells")
    parser.add_argument("--runs", nargs="*", choices=RUNS, default=list(RUNS))
    parser.add_argument("--cpu_too", action="store_true", help="run on the CPU too, and compare the labels")
    parser.add_argument("--data", type=Path, nargs="+", default=[], help="labelled data sets, run at default")
    parser.add_argument("--work", type=Path, help="folder of the simulated cells and results")
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
    """The outcome of every test of a test program, which tries the GPU where there is one. What a failed one says is printed."""
    said = subprocess.run([test, "--test-threads=1"], capture_output=True, text=True, env=environment(args)).stdout
    if "FAILED" in said:
        print(said)
    lines = [line.split() for line in said.splitlines() if line.startswith("test ") and " ... " in line]
    return {words[1]: words[3] for words in lines}


def simulated(args, work, n_cells):
    """Simulated cells; those of an earlier call where `--work` holds them."""
    path = (args.work or work) / f"{n_cells}.h5ad"
    if not path.exists():
        part = path.with_suffix(".part")
        subprocess.run([args.large, "--write-plain", str(n_cells), part], check=True, stdout=subprocess.DEVNULL)
        part.rename(path)
    return path


def mib_of_libtorch(args):
    """Memory of the GPU that libtorch and its libraries take for a product of two small matrices."""
    product = "import sys, torch; x = torch.ones(64, 64, device='cuda'); (x @ x).sum().item(); print(); input()"
    before = gpu_mib(args)
    if args.dry:
        return before
    with subprocess.Popen([sys.executable, "-c", product], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as python:
        python.stdout.readline()
        after = gpu_mib(args)
        python.communicate(b"\n")
    return after - before


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
        "cells": results["n_cells"],
        "stages": {name: round(seconds[name], 2) for name in STAGES},
        "training_seconds": round(seconds["pretrain"] + seconds["cluster"], 2),
        "seconds": round(results["seconds"], 2),
        "gpu_mib": max(peak[0] - before, 0),
        "peak_rss_mb": results["peak_rss_mb"],
        "ari": results["scores"]["ari"],
        "device": results["device"],
    }


def try_out(args, work, found, data, what, twice):
    """A run, and where it is wanted `twice`, how far others agree with it."""
    found["runs"].append(run(args, work / "gpu", data, what["options"]) | what)
    keep(args, found)
    if twice:
        found["agreement"].append(agreement(args, work, data, what["options"]) | {"name": what["name"]})
        keep(args, found)


def agreement(args, work, data, options):
    """A second run on the GPU, and one on the CPU, beside that in `work / "gpu"`: are the labels the same?"""
    run(args, work / "again", data, options)
    of = lambda device: labels(work / device / "pred_label" / f"{data.stem}.csv")
    pair = {"ari_gpu_gpu": ari(of("gpu"), of("again")), "repeated": of("gpu") == of("again")}
    if args.cpu_too:
        pair["cpu"] = run(args, work / "cpu", data, options, on_gpu=False)
        pair["ari_gpu_cpu"] = ari(of("gpu"), of("cpu"))
    return pair


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
    print("\n| run | the same twice | ARI of GPU and GPU | of GPU and CPU | CPU: training s | total s | ARI |")
    print("| --- |" + " --- |" * 6)
    for pair in found["agreement"]:
        cpu = pair.get("cpu", dict.fromkeys(["training_seconds", "seconds", "ari"]))
        on_cpu = f"{pair.get('ari_gpu_cpu')} | {cpu['training_seconds']} | {cpu['seconds']} | {cpu['ari']}"
        print(f"| {pair['name']} | {pair['repeated']} | {pair['ari_gpu_gpu']} | {on_cpu} |")
    print(f"\nGPU MiB of libtorch alone: {found['gpu_mib_of_libtorch']}")
    outcomes = Counter(found["tests"].values())
    print("golden tests:", ", ".join(f"{n} {outcome}" for outcome, n in outcomes.items()))


if __name__ == "__main__":
    main()
