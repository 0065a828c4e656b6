"""Runs a batch with reports, and MultiQC on what it wrote: the data sets must be in its general statistics and its bar plot.

    python -m venv venv && venv/bin/pip install multiqc
    venv/bin/python tests/multiqc.py        # needs target/release/attentionae-sc (make build)

Tried with MultiQC 1.35.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/attentionae-sc"
SMALL = ROOT / "tests/golden/small.h5ad"
# The second name is the first and the beginning of an output's ending.
NAMES = ("one", "one_statistics")


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        sets = [folder / f"{name}.h5ad" for name in NAMES]
        for path in sets:
            shutil.copy(SMALL, path)
        output = folder / "out"
        run(PROGRAM, "batch", *sets, "-training_epoch", 2, "-n_hvg", 100, "-save_report", "True", "-output_dir", output, "-quiet")
        multiqc = Path(sys.executable).with_name("multiqc")
        environment = {**os.environ, "MULTIQC_NO_VERSION_CHECK": "true"}
        command = [multiqc, output / "report", "--outdir", folder / "qc", "--strict", "--no-version-check"]
        subprocess.run([str(part) for part in command], check=True, env=environment)
        found = json.loads((folder / "qc/multiqc_data/multiqc_data.json").read_text())
        check(found, (folder / "qc/multiqc_report.html").read_text(), output)


def check(found, html, output):
    statistics = json.dumps(found["report_general_stats_data"])
    for name in NAMES:
        results = json.loads((output / f"results/{name}.json").read_text())
        saved = found["report_saved_raw_data"]
        bars = saved["multiqc_attentionae_sc_clusters_plot"][name]
        assert sum(bars.values()) == results["n_cells"], bars
        assert len(bars) == results["n_clusters"], bars
        assert f'"{name}"' in statistics and str(results["scores"]["ari"])[:6] in statistics, statistics
    assert "attentionae_sc_clusters_plot" in html
    print("MultiQC shows both data sets, in its general statistics and as bars of clusters")


if __name__ == "__main__":
    main()
