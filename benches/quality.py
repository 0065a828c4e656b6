#!/usr/bin/env python3
"""How good the clusters are: every data set x training x resolution x seed, in one table.

    benches/quality.py DATA_DIR [--sets a b] [--seeds 1 2 3] [--trainings recommended] [--resolutions auto]
                       [--jobs 2] [--out quality.json] [--baseline] [--table] [--against older.json]
                       [-- OPTION VALUE ...]

DATA_DIR holds .h5ad files with obs['celltype']. Each run's scores are added to the JSON file as soon as it is
done; a run that stands there is not repeated, so that a stopped table goes on where it was, and a part of it can be
run alone. --table prints the table of what is there, --against with the mean ARI of another such file beside it.
--baseline adds scanpy's Leiden on 50 principal components (needs scanpy 1.10). Options after -- are handed to every
run, and name its rows.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

PROGRAM = Path(__file__).resolve().parent.parent / "target/release/attentionae-sc"
SCORES = ["ari", "nmi", "clusters", "asw", "seconds"]
SCANPY_RESOLUTIONS = ["0.1", "0.3", "0.5", "1.0"]


def main():
    args = arguments()
    table = Table(Path(args.out))
    if not args.table:
        runs = [
            (training, resolution, seed, data)
            for seed in args.seeds
            for training in args.trainings
            for resolution in args.resolutions
            for data in data_sets(args)
        ]
        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(lambda run: attempt(table, args, *run), runs))
        if args.baseline:
            for data in data_sets(args):
                baseline(table, data)
    table.print(Table(args.against) if args.against else None)
    sys.exit(1 if table.failed else 0)


def arguments():
    own, handed_on = sys.argv[1:], []
    if "--" in own:
        own, handed_on = own[: own.index("--")], own[own.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--sets", nargs="+", help="names of data sets; all of DATA_DIR where left out")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--trainings", nargs="*", default=["published", "recommended"], help="values of -preset")
    parser.add_argument("--resolutions", nargs="+", default=["1.0", "0.3", "auto"])
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; they share the cores")
    parser.add_argument("--out", default="quality.json")
    parser.add_argument("--program", type=Path, default=PROGRAM)
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("--against", type=Path, help="scores of another version")
    parser.add_argument("--table", action="store_true", help="print what is there, and run nothing")
    args = parser.parse_args(own)
    if args.against and not args.against.exists():
        parser.error(f"{args.against}: no such file")
    args.handed_on = handed_on
    return args


def data_sets(args):
    files = {path.stem: path for path in sorted(args.data_dir.glob("*.h5ad"))}
    missing = set(args.sets or files) - set(files)
    if missing or not files:
        sys.exit(f"{args.data_dir}: no data set {', '.join(sorted(missing)) or 'at all'}")
    return [files[name] for name in args.sets or files]


def attempt(table, args, training, resolution, seed, data):
    options = " ".join([training, *args.handed_on])
    if table.has(options, resolution, data.stem, seed):
        return
    with tempfile.TemporaryDirectory() as folder:
        threads = max(1, (os.cpu_count() or 1) // args.jobs)
        command = [args.program, "-name", data, "-output_dir", folder, "-seed", str(seed), "-threads", str(threads)]
        command += ["-preset", training, "-resolution", resolution, "-quiet", "True", *args.handed_on]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode != 0:
            table.failed += 1
            print(f"{data.stem}: {done.stderr.strip()}", file=sys.stderr)
            return
        found = json.loads(next(Path(folder, "results").glob("*.json")).read_text())
    scores = {name: found["scores"][name] for name in ("ari", "nmi", "asw")}
    scores |= {"clusters": found["n_clusters"], "seconds": found["seconds"], "version": found["version"]}
    table.add(options, resolution, data.stem, seed, scores)


def baseline(table, data):
    import scanpy as sc
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score

    wanted = [r for r in SCANPY_RESOLUTIONS if not table.has("scanpy", r, data.stem, 0)]
    if not wanted:
        return
    start = time.monotonic()
    cells = sc.read_h5ad(data)
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    sc.pp.highly_variable_genes(cells, n_top_genes=2500)
    cells = cells[:, cells.var["highly_variable"]].copy()
    sc.pp.scale(cells)
    sc.pp.pca(cells, n_comps=50)
    sc.pp.neighbors(cells, n_neighbors=15)
    prepared = time.monotonic() - start
    truth = cells.obs["celltype"].astype(str)
    for resolution in wanted:
        start = time.monotonic()
        sc.tl.leiden(cells, resolution=float(resolution), flavor="leidenalg")
        labels = cells.obs["leiden"]
        several = labels.nunique() > 1
        scores = {
            "ari": adjusted_rand_score(truth, labels),
            "nmi": normalized_mutual_info_score(truth, labels),
            "asw": silhouette_score(cells.obsm["X_pca"], labels) if several else None,
            "clusters": labels.nunique(),
            "seconds": prepared + time.monotonic() - start,
        }
        table.add("scanpy", resolution, data.stem, 0, scores)


class Table:
    """Scores by options, resolution, data set and seed, on disk."""

    def __init__(self, path):
        self.path, self.lock, self.failed = path, Lock(), 0
        self.rows = json.loads(path.read_text()) if path.exists() else []

    def has(self, *key):
        return any(self.key(row) == key for row in self.rows)

    @staticmethod
    def key(row):
        return row["options"], row["resolution"], row["data_set"], row["seed"]

    def add(self, options, resolution, data_set, seed, scores):
        row = {"options": options, "resolution": resolution, "data_set": data_set, "seed": seed, **scores}
        with self.lock:
            self.rows.append(row)
            written = self.path.with_suffix(".part")
            written.write_text("[\n" + ",\n".join(map(json.dumps, self.rows)) + "\n]\n")
            written.replace(self.path)
            print("{options} {resolution} {data_set} {seed}: ARI {ari:.3f}, {clusters} clusters, {seconds:.0f} s".format(**row),
                  file=sys.stderr, flush=True)

    def runs(self, **wanted):
        return [row for row in self.rows if all(row[name] == value for name, value in wanted.items())]

    def mean_ari(self, **wanted):
        runs = self.runs(**wanted)
        return statistics.mean(row["ari"] for row in runs) if runs else None

    def print(self, older=None):
        before = " ARI before |" if older else ""
        print(f"| options | resolution | data set | seeds | ARI mean |{before} s.d. | worst | NMI | clusters | ASW | median s |")
        print("| --- " * (11 + bool(older)) + "|")
        for options, resolution in dict.fromkeys((row["options"], row["resolution"]) for row in self.rows):
            setting = {"options": options, "resolution": resolution}
            means = []
            for data_set in dict.fromkeys(row["data_set"] for row in self.runs(**setting)):
                runs = self.runs(**setting, data_set=data_set)
                ari, nmi, clusters, asw, seconds = (
                    [row[name] for row in runs if row[name] is not None] for name in SCORES
                )
                means.append(statistics.mean(ari))
                spread = statistics.stdev(ari) if len(ari) > 1 else 0.0
                if older:
                    mean = older.mean_ari(**setting, data_set=data_set)
                    before = f" {mean:.3f} |" if mean is not None else " |"
                print(
                    f"| {options} | {resolution} | {data_set} | {len(runs)} | {means[-1]:.3f} |{before} {spread:.3f} | "
                    f"{min(ari):.3f} | {statistics.mean(nmi):.3f} | {statistics.mean(clusters):.1f} | "
                    f"{statistics.mean(asw) if asw else float('nan'):.2f} | {statistics.median(seconds):.0f} |"
                )
            blank = " |" * (6 + bool(older))
            print(f"| {options} | {resolution} | **mean of {len(means)}** | | **{statistics.mean(means):.3f}** |{blank}")


if __name__ == "__main__":
    main()
