"""The table of all data sets, with the columns of `attentionae-sc batch`, and a page that links what was written of each."""

import csv
import html
import json
from pathlib import Path

COLUMNS = (
    "name cells clusters asw db ari nmi seconds status error input input_sha256 options_sha256 results_sha256".split()
)
# Below the folder of outputs, where the program puts them.
FOLDERS = ("report", "umap_figure", "pred_label", "embedding", "markers", "tree", "h5ad", "model_save", "results", "logs")


def write(output, inputs):
    """Writes `results/batch.csv`, `results/batch.json` and `index.html` below `output`, for data sets by name with their paths."""
    records = [record(output, name, path) for name, path in inputs.items()]
    results = output / "results"
    results.mkdir(parents=True, exist_ok=True)
    with open(results / "batch.csv", "w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(records)
    (results / "batch.json").write_text(json.dumps(records, indent=2) + "\n")
    (output / "index.html").write_text(page(output, records))


def record(output, name, path):
    """A row of the table: from the run's results, or else from its log."""
    row = dict.fromkeys(COLUMNS) | {"name": name, "input": path, "seconds": 0.0}
    results = output / "results" / f"{name}.json"
    if not results.is_file():
        return row | {"status": "failed", "error": error(output / "logs" / f"{name}.log")}
    found = json.loads(results.read_text())
    scores = {score: found["scores"].get(score) for score in ("asw", "db", "ari", "nmi")}
    sizes = {"cells": found["n_cells"], "clusters": found["n_clusters"], "seconds": found["seconds"]}
    return row | sizes | scores | {"status": "done"}


def error(log):
    """What the program said of its failure, in one line."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    starts = [at for at, line in enumerate(lines) if line.startswith("error: ")]
    if not starts:
        return f"it ended without a message of its own: see {log}"
    return " ".join(line.strip() for line in lines[starts[-1] :]).removeprefix("error: ")


def page(output, records):
    """HTML without scripts, which opens from any folder of outputs."""
    shown = COLUMNS[:10]
    head = "".join(f"<th>{column}</th>" for column in (*shown, "files"))
    rows = "\n".join(f"<tr>{cells(row, shown)}<td>{links(output, row['name'])}</td></tr>" for row in records)
    return (
        "<!doctype html>\n<html lang='en'><meta charset='utf-8'><title>attentionae-sc</title>\n"
        "<style>body{font-family:sans-serif}td,th{padding:.2em .6em;text-align:left;border-bottom:1px solid #ddd}</style>\n"
        f"<table><tr>{head}</tr>\n{rows}\n</table></html>\n"
    )


def cells(row, columns):
    values = (row[column] for column in columns)
    texts = ("" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value) for value in values)
    return "".join(f"<td>{html.escape(text)}</td>" for text in texts)


def links(output, name):
    """Everything below the folder of outputs that is named after the data set."""
    found = (path for folder in FOLDERS for path in sorted((output / folder).glob(f"{name}[._]*")))
    paths = (path.relative_to(output) for path in found if belongs(path, name))
    return " ".join(f"<a href='{html.escape(str(path), quote=True)}'>{html.escape(str(path))}</a>" for path in paths)


def belongs(path, name):
    """`a.json` and `a_pred_label.png` are of the data set `a`, `a_b.json` is not."""
    return path.name.split(".")[0] in (name.split(".")[0], f"{name}_pred_label", f"{name}_true_label")
