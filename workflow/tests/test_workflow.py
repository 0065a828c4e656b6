"""The workflow on three small data sets, one of which fails: `pytest workflow/tests`, with snakemake and attentionae-sc in PATH."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import anndata
import numpy
import pytest

WORKFLOW = Path(__file__).resolve().parent.parent
SNAKEFILE = WORKFLOW / "Snakefile"
# The program of a checkout stands in for an installed one.
BUILT = WORKFLOW.parent / "target/release"
ENVIRONMENT = dict(os.environ, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}:{BUILT}")
OPTIONS = {"training_epoch": 2, "landmarks": 40, "resolution": 0.3, "save_umap": "False"}

pytestmark = [
    pytest.mark.skipif(shutil.which("snakemake", path=ENVIRONMENT["PATH"]) is None, reason="snakemake is not installed"),
    pytest.mark.skipif(shutil.which("attentionae-sc", path=ENVIRONMENT["PATH"]) is None, reason="attentionae-sc is not in PATH"),
]


def snakemake(folder, *arguments):
    command = ["snakemake", "--snakefile", SNAKEFILE, "--directory", folder, *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)


def counts(seed):
    """80 cells of two kinds."""
    draw = numpy.random.default_rng(seed)
    rate = numpy.where(numpy.arange(120) < 60, 4.0, 0.5)
    rates = numpy.stack([rate] * 40 + [rate[::-1]] * 40)
    return anndata.AnnData(draw.poisson(rates).astype("float32"))


@pytest.fixture
def project(tmp_path):
    """A folder with a configuration and a sheet: two data sets, and one whose values are no counts."""
    for seed, name in enumerate(["first", "second"]):
        counts(seed).write_h5ad(tmp_path / f"{name}.h5ad")
    wrong = counts(2)
    wrong.X = numpy.log1p(wrong.X)
    wrong.write_h5ad(tmp_path / "wrong.h5ad")
    lines = ["name\tpath\tbatch_key\toptions", "one\tfirst.h5ad\t\t", "two\tsecond.h5ad\t\t-seed 2", "three\twrong.h5ad\t\t"]
    (tmp_path / "samples.tsv").write_text("\n".join(lines) + "\n")
    configuration = {"samples": str(tmp_path / "samples.tsv"), "options": OPTIONS, "threads": 1}
    (tmp_path / "config.json").write_text(json.dumps(configuration))
    return tmp_path


def test_two_are_done_and_the_one_that_fails_says_why(project):
    ended = snakemake(project, "--configfile", project / "config.json", "--cores", "2", "--keep-going")
    assert ended.returncode == 1, ended.stderr
    with open(project / "results/results/batch.csv") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert {name: row["status"] for name, row in rows.items()} == {"one": "done", "two": "done", "three": "failed"}
    assert rows["one"]["cells"] == "80" and int(rows["one"]["clusters"]) >= 1
    assert "wrong.h5ad" in rows["three"]["error"] or "three.h5ad" in rows["three"]["error"]
    index = (project / "results/index.html").read_text()
    for path in ("pred_label/one.csv", "results/two.json", "logs/three.log"):
        assert f"href='{path}'" in index, index
        assert (project / "results" / path).is_file()
    # A failure other than for memory is not tried a second time.
    assert (project / "results/logs/three.log.exit").read_text().strip() == "1"
    assert json.loads((project / "results/results/two.json").read_text())["seed"] == 2

    sheet = project / "samples.tsv"
    sheet.write_text("".join(line for line in sheet.read_text().splitlines(True) if "wrong" not in line))
    ended = snakemake(project, "--configfile", project / "config.json", "--cores", "2")
    assert ended.returncode == 0, ended.stderr
    with open(project / "results/results/batch.csv") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["one", "two"]


def test_tables_can_be_parquet(project):
    sheet = project / "samples.tsv"
    sheet.write_text("".join(line for line in sheet.read_text().splitlines(True) if "wrong" not in line))
    configuration = json.loads((project / "config.json").read_text())
    configuration["options"]["table_format"] = "parquet"
    (project / "config.json").write_text(json.dumps(configuration))
    ended = snakemake(project, "--configfile", project / "config.json", "--cores", "2")
    assert ended.returncode == 0, ended.stderr
    assert (project / "results/embedding/two.parquet").is_file()


def test_the_table_has_the_columns_of_batch(project):
    command = ["attentionae-sc", "batch", project / "first.h5ad", "-output_dir", project / "batch", "-quiet", "True"]
    options = [word for name, value in OPTIONS.items() for word in (f"-{name}", str(value))]
    subprocess.run([*command, *options], env=ENVIRONMENT, check=True, capture_output=True)
    with open(project / "batch/results/batch.csv") as file:
        columns = next(csv.reader(file))
    sys.path.insert(0, str(WORKFLOW / "scripts"))
    import summary

    assert list(summary.COLUMNS) == columns


def attempt(number, code, folder):
    """Runs the job's script with a program that ends with `code` and counts its starts."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\necho started >>{folder}/starts\nexit {code}\n")
    program.chmod(0o755)
    (folder / "input.h5ad").touch()
    script = WORKFLOW / "scripts/cluster.sh"
    words = [script, str(number), folder / "input.h5ad", folder / "inputs/x.h5ad", folder / "log", program]
    return subprocess.run(words).returncode


def test_only_a_lack_of_memory_is_tried_again(tmp_path):
    starts = tmp_path / "starts"
    assert attempt(1, 137, tmp_path) == 137
    assert attempt(2, 1, tmp_path) == 1
    assert len(starts.read_text().split()) == 2
    assert attempt(3, 0, tmp_path) == 1
    assert len(starts.read_text().split()) == 2
    assert attempt(1, 0, tmp_path) == 0
    assert not (tmp_path / "log.exit").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("one\tsecond.h5ad\t\t", "stands there twice"),
        ("a b\tsecond.h5ad\t\t", "does not match"),
        ("four\tsecond.h5ad\t\t-quiet", "takes a value"),
        ("five\tsecond.h5ad\t\t-table_format parquet", "for all data sets"),
    ],
)
def test_a_wrong_sheet_is_refused_before_anything_runs(project, line, said):
    with open(project / "samples.tsv", "a") as sheet:
        sheet.write(line + "\n")
    ended = snakemake(project, "--configfile", project / "config.json", "--cores", "1")
    assert ended.returncode != 0 and said in ended.stderr + ended.stdout, ended.stderr
    assert not (project / "results/results").exists()


def test_lint_is_clean(project):
    ended = snakemake(project, "--configfile", project / "config.json", "--lint")
    assert ended.returncode == 0, ended.stderr


def test_a_dry_run_with_the_slurm_profile(project):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    profile = WORKFLOW / "profiles/slurm"
    ended = snakemake(project, "--configfile", project / "config.json", "--profile", profile, "--dry-run")
    assert ended.returncode == 0, ended.stderr
    assert "slurm_partition=YOUR_PARTITION" in ended.stdout and "mem_mb=2000" in ended.stdout, ended.stdout
