#!/usr/bin/env python3
"""The program beside scanpy's recipe, and that of bixverse where it is built: seconds by stage, peak memory, ARI, type F1.

    benches/compare.py DATA.h5ad ... [--program attentionae-sc] [--python python3] [--threads 2] [--repeats 3] [--out compare.json]

Everything is at its default; Leiden of the recipes is at resolution 0.3. All are timed from the start of the process to its
end, with as many threads, in turns; the ratio is the median over the repeats, each of which pairs two neighbouring runs.
PYTHON needs scanpy 1.10 or later with leidenalg, and scikit-learn. `cargo build --release` in benches/bixverse builds the
recipe with bixverse's crates; --without-scanpy leaves scanpy's out, where the data are too large for it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import scoring

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parent / "target/release/attentionae-sc"
BIXVERSE = HERE / "bixverse/target/release/recipe-bixverse"


def main():
    args = arguments()
    if scoring.scanpy is None:
        sys.exit("compare.py: scanpy 1.10 or later is not installed for this Python: pip install scanpy[leiden] scikit-learn")
    rows = []
    print("| data set | cells | tool | seconds by stage | total s | peak MB | clusters | ARI | type F1 |")
    print("| --- " * 9 + "|")
    for data in args.data:
        rows += compare(args, data)
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--program", type=Path, default=PROGRAM)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--bixverse", type=Path, default=BIXVERSE)
    parser.add_argument("--without-scanpy", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def compare(args, data):
    """Runs the tools in turns; prints the median run of each, and the ratios."""
    cells = scoring.read_names(data)
    types = scoring.true_types(cells)
    recipes = {} if args.without_scanpy else {"scanpy": [args.python, HERE / "recipe_scanpy.py"]}
    if args.bixverse.is_file():
        recipes["bixverse"] = [args.bixverse.resolve()]
    runs = {tool: [] for tool in ("attentionae-sc", *recipes)}
    for _ in range(args.repeats):
        runs["attentionae-sc"].append(ours(args, data, cells))
        for tool, command in recipes.items():
            runs[tool].append(recipe(args, command, data))
    rows = []
    for tool, found in runs.items():
        median = sorted(found, key=lambda run: run["seconds"])[len(found) // 2]
        row = {"data_set": data.stem, "cells": len(types), "tool": tool, **median}
        labels = row.pop("labels")
        row["clusters"] = len(set(labels))
        row["ari"] = scoring.ari(types, labels)
        row.update(scoring.cluster_figures(types, labels))
        rows.append(row)
        print(line(row), flush=True)
    for tool in recipes:
        ratios = [a["seconds"] / b["seconds"] for a, b in zip(runs["attentionae-sc"], runs[tool])]
        rows[0][f"ratio_to_{tool}"] = statistics.median(ratios)
        print(f"{data.stem}: {statistics.median(ratios):.2f} times {tool}'s time ({min(ratios):.2f} to {max(ratios):.2f})")
    print()
    return rows


def line(row):
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in row["stages"].items())
    figures = " | ".join(f"{row[figure]:.3f}" if figure in row else "" for figure in ("ari", "type_f1"))
    head = f"| {row['data_set']} | {row['cells']} | {row['tool']} | {stages}"
    return f"{head} | {row['seconds']:.1f} | {row['peak_rss_mb']:.0f} | {row['clusters']} | {figures} |"


def timed(args, command):
    threads = [f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")]
    environment = os.environ | dict.fromkeys(threads, str(args.threads))
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stderr}")
    return seconds, done.stdout


def ours(args, data, cells):
    with tempfile.TemporaryDirectory() as folder:
        options = ["-threads", str(args.threads), "-quiet", "True", "-output_dir", folder]
        seconds, _ = timed(args, [args.program.resolve(), "-name", data.resolve(), *options])
        results = json.loads(scoring.only_file(folder, "results/*.json").read_text())
        labels = scoring.read_rows(scoring.only_file(folder, "pred_label/*.csv"), cells)["label"].tolist()
    return {
        "seconds": seconds,
        "stages": {stage["name"]: stage["seconds"] for stage in results["stages"]},
        "peak_rss_mb": results["peak_rss_mb"],
        "labels": labels,
    }


def recipe(args, command, data):
    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labels.txt"
        seconds, said = timed(args, [*command, data.resolve(), labels])
        return {"seconds": seconds, **json.loads(said), "labels": labels.read_text().split()}


if __name__ == "__main__":
    main()
