"""The rows of quality.py, on disk and printed."""

import json
import statistics
import sys
from itertools import groupby
from pathlib import Path
from threading import Lock

HEADS = [
    *("options", "resolution", "data set", "seeds"),
    *("ARI", "ARI before", "type F1", "(ARI+F1)/2", "s.d.", "lost"),
    *("vote", "vote − PCs", "types below", "Leiden's best", "clusters", "median s"),
]


class Table:
    """Rows by options, resolution, data set and seed, in a JSON file that is whole at any time."""

    def __init__(self, path):
        self.path, self.lock, self.failed = Path(path), Lock(), 0
        self.rows = json.loads(self.path.read_text()) if self.path.exists() else []

    def find(self, *key):
        with self.lock:
            return next((row for row in self.rows if key_of(row) == key), None)

    def add(self, options, resolution, data_set, seed, figures):
        row = {"options": options, "resolution": resolution, "data_set": data_set, "seed": seed, **rounded(figures)}
        with self.lock:
            self.rows.append(row)
            written = self.path.with_suffix(".part")
            written.write_text("[\n" + ",\n".join(map(json.dumps, self.rows)) + "\n]\n")
            written.replace(self.path)
            print(f"{options} {resolution} {data_set} {seed}: {in_words(row)}", file=sys.stderr, flush=True)
        return row

    def print(self, older=None):
        """Prints a line for each data set, its figures the means over seeds, and one for all sets together."""
        heads = [head for head in HEADS if older or head != "ARI before"]
        print(line(heads))
        print("| --- " * len(heads) + "|")
        rows = sorted(self.rows + chosen_by_labels(self.rows), key=self.place)
        for setting, runs in groupby(rows, setting_of):
            before = means_before(older, setting) if older else None
            print_setting(setting, list(runs), before)

    def place(self, row):
        """Settings and data sets in the order of their first rows, those chosen by labels last."""
        settings, data_sets = ([of(row) for row in self.rows] for of in (setting_of, data_set_of))
        setting = setting_of(row)
        return settings.index(setting) if setting in settings else len(settings), data_sets.index(data_set_of(row))


def key_of(row):
    return row["options"], row["resolution"], row["data_set"], row["seed"]


def setting_of(row):
    return row["options"], row["resolution"]


def data_set_of(row):
    return row["data_set"]


def rounded(figures):
    """Figures with four digits behind the point."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


def in_words(row):
    names = {"ari": "ARI", "type_f1": "type F1", "vote": "vote", "vote_pca": "PCs'", "clusters": "clusters"}
    return ", ".join(f"{word} {row[name]:.3g}" for name, word in names.items() if row.get(name) is not None)


def chosen_by_labels(rows):
    """Of each data set, scanpy's row with the highest (ARI + type F1) / 2: what nobody without labels can choose."""
    best = {}
    for row in rows:
        if row["options"] == "scanpy" and both(row) is not None:
            best[row["data_set"]] = max(best.get(row["data_set"], row), row, key=both)
    return [row | {"resolution": "chosen by labels"} for row in best.values()]


def means_before(older, setting):
    """Mean ARI of each data set in another table."""
    runs = sorted((row for row in older.rows if setting_of(row) == setting), key=data_set_of)
    return {data_set: mean_of(list(rows), "ari") for data_set, rows in groupby(runs, data_set_of)}


def print_setting(setting, runs, before):
    sets = []
    for data_set, rows in groupby(runs, data_set_of):
        rows = list(rows)
        figures = of_data_set(rows) | {"before": (before or {}).get(data_set)}
        sets.append((data_set, figures))
        print(line([*setting, data_set, str(len(rows)), *cells(figures, before is not None)]))
    figures = of_all(sets)
    print(line([*setting, f"**all {len(sets)}**", "", *cells(figures, before is not None)]))


def both(row):
    """(ARI + type F1) / 2 of a row that has both."""
    if row.get("ari") is None or row.get("type_f1") is None:
        return None
    return (row["ari"] + row["type_f1"]) / 2


def known(values):
    return [value for value in values if value is not None]


def mean(values):
    """Mean of the values that are there; None where none is."""
    values = known(values)
    return statistics.mean(values) if values else None


def mean_of(rows, name):
    return mean(row.get(name) for row in rows)


def of_data_set(rows):
    """The figures of one data set, over its seeds: means, the standard deviation of (ARI + F1) / 2, median seconds."""
    scores, seconds = known(map(both, rows)), known(row.get("seconds") for row in rows)
    means = ("ari", "type_f1", "vote", "best_resolution_score", "clusters")
    return {name: mean_of(rows, name) for name in means} | {
        "lost": of_types(rows, "types_lost"),
        "below": of_types(rows, "types_below"),
        "both": mean(scores),
        "spread": statistics.stdev(scores) if len(scores) > 1 else None,
        "gain": mean(row["vote"] - row["vote_pca"] for row in rows if "vote_pca" in row),
        "seconds": statistics.median(seconds) if seconds else None,
    }


def of_types(rows, name):
    """(mean number of types that it happens to, number of types)."""
    counted = [row for row in rows if row.get(name) is not None]
    return (mean_of(counted, name), mean_of(counted, "types")) if counted else None


def of_all(sets):
    """The figures over (data set, figures): means; types lost and below, and types, summed; the worst gain named."""
    all_figures = [figures for _, figures in sets]
    counts = {name: [figures[name] for figures in all_figures] for name in ("lost", "below")}
    means = {name: mean(figures[name] for figures in all_figures) for name in all_figures[0] if name not in counts}
    sums = {name: summed(pairs) for name, pairs in counts.items()}
    gains = [(figures["gain"], data_set) for data_set, figures in sets if figures["gain"] is not None]
    return means | sums | {"worst": min(gains, default=None)}


def summed(pairs):
    """(count, of) over the pairs that are there; None where none is."""
    pairs = known(pairs)
    return tuple(map(sum, zip(*pairs))) if pairs else None


def cells(figures, with_before):
    """The printed cells after the seeds."""
    gain = number(figures["gain"], "+.3f")
    if figures.get("worst"):
        gain += " (worst {:+.3f} {})".format(*figures["worst"])
    return [
        number(figures["ari"]),
        *([number(figures["before"])] if with_before else []),
        number(figures["type_f1"]),
        number(figures["both"]),
        number(figures["spread"]),
        share(figures["lost"]),
        number(figures["vote"]),
        gain,
        share(figures["below"]),
        number(figures["best_resolution_score"]),
        number(figures["clusters"], ".1f"),
        number(figures["seconds"], ".0f"),
    ]


def number(value, form=".3f"):
    return "" if value is None else format(value, form)


def share(pair):
    return "" if pair is None else "{:g} of {:g}".format(*(round(n, 1) for n in pair))


def line(texts):
    return "| " + " | ".join(texts) + " |"
