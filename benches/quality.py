#!/usr/bin/env python3
"""How good clusters and embedding are: every data set x training x resolution x seed, in one table.

    benches/quality.py DATA_DIR [--sets a b] [--seeds 1 2 3] [--trainings recommended] [--resolutions auto]
                       [--jobs 2] [--out quality.json] [--table] [--against older.json]
                       [--ablation] [--unseen [500]] [--baseline] [-- OPTION VALUE ...]

DATA_DIR holds .h5ad files with counts in X and true types in obs['celltype']. Each run's figures are added to the
JSON file as soon as it is done; a run that stands there is not repeated, so that a stopped table goes on where it
was, and a part of it can be run alone. --table prints the table of what is there, --against with the mean ARI of
another such file beside it. Options after -- are handed to every run, and name its rows.

--ablation runs the recommended training once more for every part of it that can be put out. --unseen trains on so
many cells only, and scores the neighbour vote among the others. --baseline adds scanpy's Leiden on 50 principal
components. scoring.py says what each figure is; those that look at an embedding need scanpy 1.10, and so do --unseen
and --baseline.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import scoring
from table import Table

PROGRAM = Path(__file__).resolve().parent.parent / "target/release/attentionae-sc"

# Which part of the recommended training is put out, and by which options.
PARTS = ["zinb", "graph", "attention", "residual", "contrast"]
ABLATIONS = [
    (f"without {part}", ["-parts", ",".join(other for other in PARTS if other != part)]) for part in PARTS
]
ABLATED = "recommended"

# At which resolution a network is trained whose embedding alone is scored.
UNSEEN_RESOLUTION = "1.0"

# Names the rows that keep the votes of the principal components.
PCS = "scanpy's PCs"

# scanpy and numba are not made for several threads.
SCORING = Lock()


@dataclass(frozen=True)
class Run:
    """One run of the program: the name of its rows, and what it is given."""

    options: str
    resolution: str
    data: Path
    seed: int
    handed_on: list
    unseen: bool = False

    @property
    def key(self):
        return self.options, self.resolution, self.data.stem, self.seed


def main():
    args = arguments()
    table = Table(args.out)
    if not args.table:
        scoring.say_what_is_missing()
        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(lambda run: attempt(table, args, run), runs(args)))
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
    parser.add_argument("--resolutions", nargs="*", default=["1.0", "0.3", "auto"])
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; they share the cores")
    parser.add_argument("--out", default="quality.json")
    parser.add_argument("--program", type=Path, default=PROGRAM)
    parser.add_argument("--ablation", action="store_true", help="each part of the recommended training put out")
    parser.add_argument("--unseen", nargs="?", type=int, const=500, metavar="N", help="train on N cells, score the others")
    parser.add_argument("--baseline", action="store_true", help="scanpy's clusters too")
    parser.add_argument("--against", type=Path, help="scores of another version")
    parser.add_argument("--table", action="store_true", help="print what is there, and run nothing")
    args = parser.parse_args(own)
    if args.against and not args.against.exists():
        parser.error(f"{args.against}: no such file")
    if not args.table and not args.program.exists():
        parser.error(f"{args.program}: no such program; make build")
    if (args.unseen or args.baseline) and not args.table and scoring.scanpy is None:
        parser.error("--unseen and --baseline need scanpy 1.10")
    args.handed_on = handed_on
    return args


def data_sets(args):
    files = {path.stem: path for path in sorted(args.data_dir.glob("*.h5ad"))}
    missing = set(args.sets or files) - set(files)
    if missing or not files:
        sys.exit(f"{args.data_dir}: no data set {', '.join(sorted(missing)) or 'at all'}")
    return [files[name] for name in args.sets or files]


def runs(args):
    """Every run asked for, one seed after the other."""
    return [
        Run(options, resolution, data, seed, handed_on, unseen)
        for seed in args.seeds
        for options, resolution, handed_on, unseen in settings(args)
        for data in data_sets(args)
    ]


def settings(args):
    """(name of the rows, resolution, options, whether unseen cells are scored) of every setting asked for."""
    for name, options in trainings(args):
        yield from ((name, resolution, options, False) for resolution in args.resolutions)
        if args.unseen:
            sampled = [*options, "-max_num_cell", str(args.unseen)]
            yield f"{name}, cells unseen by one trained on {args.unseen}", UNSEEN_RESOLUTION, sampled, True


def trainings(args):
    """(name of the rows, options) of every training asked for."""
    asked = [(training, "", []) for training in args.trainings]
    if args.ablation:
        asked += [(ABLATED, f" {part} ({' '.join(options)})", options) for part, options in ABLATIONS]
    for training, put_out, options in asked:
        yield " ".join([training, *args.handed_on]) + put_out, ["-preset", training, *options, *args.handed_on]


def attempt(table, args, run):
    """Runs the program and adds the figures of what it writes, unless they are there."""
    if table.find(*run.key):
        return
    with failures_told(table, *run.key), tempfile.TemporaryDirectory() as folder:
        results = run_program(args, run, folder)
        figures = unseen_figures(run, folder, results) if run.unseen else figures_of(table, run, folder, results)
        table.add(*run.key, figures | {"seconds": round(results["seconds"], 1), "version": results["version"]})


@contextmanager
def failures_told(table, *key):
    """Says what went wrong, counts it, and lets the other runs go on."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        table.failed += 1
        print(f"{' '.join(map(str, key))}: {error}", file=sys.stderr)


def run_program(args, run, folder):
    """The content of results/NAME.json after a run whose outputs are in `folder`."""
    threads = max(1, (os.cpu_count() or 1) // args.jobs)
    command = [args.program, "-name", run.data, "-output_dir", folder, "-seed", run.seed, "-threads", threads]
    command += ["-resolution", run.resolution, "-quiet", "True", *run.handed_on]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(scoring.only_file(folder, "results/*.json").read_text())


def figures_of(table, run, folder, results):
    """The program's own scores, and what true types say of clusters and embedding."""
    figures = {name: results["scores"][name] for name in ("ari", "nmi", "asw")} | {"clusters": results["n_clusters"]}
    if scoring.anndata is None:
        return figures
    cells = scoring.read_cells(run.data)
    types = scoring.true_types(cells)
    labels = scoring.read_rows(scoring.only_file(folder, "pred_label/*.csv"), cells)["label"].tolist()
    figures |= scoring.cluster_figures(types, labels)
    if scoring.scanpy is None:
        return figures
    z = scoring.read_rows(scoring.only_file(folder, "embedding/*.csv"), cells).to_numpy()
    with SCORING:
        return figures | scoring.embedding_figures(z, types, votes_of_pcs(table, run.data, cells))


def votes_of_pcs(table, data, cells):
    """The F1 of each type among the principal components, computed once for each data set."""
    key = (PCS, "", data.stem, 0)
    row = table.find(*key)
    if row is None:
        votes = scoring.votes_of_pcs(cells)
        row = table.add(*key, scoring.vote_figures(votes, votes) | {"votes": votes})
    return row["votes"]


def unseen_figures(run, folder, results):
    """The neighbour vote among the cells that the network did not learn from."""
    if not results.get("training_cells"):
        raise ValueError("every cell was trained on, none is unseen")
    cells = scoring.read_cells(run.data)
    z = scoring.read_rows(scoring.only_file(folder, "embedding/*.csv"), cells).to_numpy()
    with SCORING:
        return scoring.unseen_figures(cells, z, results["training_cells"])


def baseline(table, data):
    """Adds scanpy's clusters at the resolutions that are not there."""
    wanted = [r for r in scoring.SCANPY_RESOLUTIONS if table.find("scanpy", r, data.stem, 0) is None]
    if not wanted:
        return
    with failures_told(table, "scanpy", data.stem):
        votes = votes_of_pcs(table, data, scoring.read_cells(data))
        for resolution, figures in scoring.scanpy_rows(data, votes, wanted):
            table.add("scanpy", resolution, data.stem, 0, figures)


if __name__ == "__main__":
    main()
