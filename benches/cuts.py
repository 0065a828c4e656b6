#!/usr/bin/env python3
"""How much hangs on the evidence that a split needs: trees of finished runs, cut at other strengths.

    benches/cuts.py DATA_DIR RUNS [RUNS ...]

RUNS are output folders of runs with -resolution auto, one folder per seed, of the data sets of DATA_DIR (.h5ad files with
true types in obs['celltype']). Nothing is run again: `fine` of pred_label and of the tree's nodes tell the clusters at
every strength from that of the finest level (-0.75) on. Borders between clusters are those of the run.

Printed are (ARI + type F1) / 2 and the types lost at every strength; what a strength reaches on a data set that had no
part in choosing it (leave one set out); and the same for random halves of the data sets: chosen on one half, judged on
the other, ten draws.
"""

import json
import random
import statistics
import sys
from pathlib import Path

import pandas
import scoring

STRENGTHS = [-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.25]
DEFAULT = 0.25
DRAWS = 10


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    data_dir, folders = Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]]
    scores = {path.stem: curve(path, folders) for path in sorted(data_dir.glob("*.h5ad"))}
    scores = {name: found for name, found in scores.items() if found}
    print_curves(scores)
    names = sorted(scores)
    left_out = [scores[name][chosen(scores, [other for other in names if other != name])][0] for name in names]
    print(f"leave one set out: {statistics.mean(left_out):.3f} (at {DEFAULT}: {mean(scores, names, DEFAULT):.3f})")
    judged = [halves(scores, names, draw) for draw in range(DRAWS)]
    print(f"random halves: {statistics.mean(found for found, _ in judged):.3f}, from {min(judged)[0]:.3f} to {max(judged)[0]:.3f}")
    print("chosen strengths:", ", ".join(str(strength) for _, strength in judged))


def halves(scores, names, seed):
    """What the best strength of one half reaches on the other half, and that strength."""
    drawn = random.Random(seed).sample(names, len(names) // 2)
    strength = chosen(scores, drawn)
    return mean(scores, [name for name in names if name not in drawn], strength), strength


def chosen(scores, names):
    """The strength with the best mean over some data sets."""
    return max(STRENGTHS, key=lambda strength: mean(scores, names, strength))


def mean(scores, names, strength):
    return statistics.mean(scores[name][strength][0] for name in names)


def curve(path, folders):
    """For each strength, (ARI + type F1) / 2 and the types lost, as means over the runs that there are."""
    runs = [folder for folder in folders if (folder / f"tree/{path.stem}.json").exists()]
    if not runs:
        return {}
    types = scoring.true_types(scoring.read_cells(path))
    found = {strength: [] for strength in STRENGTHS}
    for folder in runs:
        fine = pandas.read_csv(folder / f"pred_label/{path.stem}.csv", keep_default_na=False)["fine"]
        nodes = json.loads((folder / f"tree/{path.stem}.json").read_text())["nodes"]
        for strength in STRENGTHS:
            cluster = clusters(nodes, strength)
            labels = [cluster[label] for label in fine]
            lost = scoring.cluster_figures(types, labels)["types_lost"]
            found[strength].append((scoring.ari_and_f1(types, labels), lost))
    return {strength: tuple(map(statistics.mean, zip(*runs))) for strength, runs in found.items()}


def clusters(nodes, enough):
    """The cluster of each fine label, where a split is kept if it or one below it is stronger than `enough`."""
    height = {}
    for node in nodes:
        below = [height[child] for child in node["children"] or []]
        height[node["id"]] = max([node.get("strength", float("-inf")), *below])
    cluster, opened = {}, [nodes[-1]["id"]]
    while opened:
        node = nodes[opened.pop()]
        if node["children"] and height[node["id"]] > enough:
            opened += node["children"]
        else:
            cluster.update((label, node["id"]) for label in node["fine"])
    return cluster


def print_curves(scores):
    print("| data set | " + " | ".join(map(str, STRENGTHS)) + " |")
    print("| --- |" + " --- |" * len(STRENGTHS))
    for name, found in scores.items():
        print(f"| {name} | " + " | ".join(f"{found[s][0]:.3f} / {found[s][1]:.0f}" for s in STRENGTHS) + " |")
    lost = [sum(found[s][1] for found in scores.values()) for s in STRENGTHS]
    means = [mean(scores, scores, s) for s in STRENGTHS]
    print("| mean / sum | " + " | ".join(f"{m:.3f} / {n:.1f}" for m, n in zip(means, lost)) + " |")


if __name__ == "__main__":
    main()
