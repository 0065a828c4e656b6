"""`tl.cluster` on small data: what it adds, what it leaves alone, how it fails. `pytest python/tests`."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import anndata
import numpy
import pandas
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# The program of a checkout stands in where none is packed into the package.
os.environ["PATH"] += f":{ROOT / 'target/release'}"

import attentionae_sc  # noqa: E402
from attentionae_sc import _program  # noqa: E402

FAST = {"training_epoch": 2, "landmarks": 40, "threads": 1}


@pytest.fixture(autouse=True)
def a_program():
    try:
        _program.path()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def adata():
    """80 cells of two kinds; the cell at 3 without counts."""
    draw = numpy.random.default_rng(1)
    rate = numpy.where(numpy.arange(120) < 60, 4.0, 0.5)
    counts = draw.poisson(numpy.stack([rate] * 40 + [rate[::-1]] * 40)).astype("float32")
    counts[3] = 0
    obs = pandas.DataFrame({"kind": ["a"] * 40 + ["b"] * 40, "donor": ["x", "y"] * 40})
    obs.index = [f"cell{i}" for i in range(80)]
    return anndata.AnnData(counts, obs=obs, var=pandas.DataFrame(index=[f"gene{i}" for i in range(120)]))


def test_it_adds_what_the_program_writes(adata, tmp_path):
    attentionae_sc.tl.cluster(adata, **FAST, save_umap=True)
    adata_columns = list(adata.obs.columns)
    assert adata_columns == ["kind", "donor", "attentionae", "attentionae_fine", "attentionae_confidence"]
    path = tmp_path / "same.h5ad"
    adata[:, :].copy().write_h5ad(path)
    words = [word for name, value in FAST.items() for word in (f"-{name}", str(value))]
    command = [_program.path(), "-name", path, "-output_dir", tmp_path, "-save_h5ad", "True", "-overwrite", "True", *words]
    subprocess.run([*command, "-save_umap", "True"], check=True, capture_output=True, env=_program.environment())
    written = anndata.read_h5ad(tmp_path / "h5ad/same.h5ad")
    for column in adata_columns[2:]:
        pandas.testing.assert_series_equal(adata.obs[column], written.obs[column])
    assert set(adata.obsm) == {"X_attentionae", "X_attentionae_umap"} == set(written.obsm)
    for key in adata.obsm:
        numpy.testing.assert_array_equal(adata.obsm[key], written.obsm[key])
    assert adata.uns["attentionae"]["version"] == written.uns["attentionae"]["version"]


def test_a_cell_without_counts_has_no_cluster(adata):
    attentionae_sc.tl.cluster(adata, 0.3, **FAST)
    assert adata.obs["attentionae"].isna().to_numpy().nonzero()[0].tolist() == [3]
    assert numpy.isnan(adata.obsm["X_attentionae"][3]).all()
    assert isinstance(adata.obs["attentionae"].dtype, pandas.CategoricalDtype)


def test_a_layer_gives_the_same_as_x(adata):
    normalised = anndata.AnnData(numpy.log1p(adata.X), obs=adata.obs.copy(), var=adata.var, layers={"counts": adata.X})
    attentionae_sc.tl.cluster(adata, 0.3, **FAST)
    attentionae_sc.tl.cluster(normalised, 0.3, layer="counts", key_added="mine", **FAST)
    assert (adata.obs["attentionae"].astype(str) == normalised.obs["mine"].astype(str)).all()
    numpy.testing.assert_array_equal(adata.obsm["X_attentionae"], normalised.obsm["X_mine"])
    assert "attentionae" not in normalised.obs and "mine" in normalised.uns
    numpy.testing.assert_array_equal(normalised.X, numpy.log1p(adata.X))


def test_what_is_no_gene_is_not_read(adata):
    genes = adata[:, :100].copy()
    adata.var["feature_types"] = pandas.Categorical(["Gene Expression"] * 100 + ["Antibody Capture"] * 20)
    for read in (adata, genes):
        attentionae_sc.tl.cluster(read, 0.3, **FAST)
    numpy.testing.assert_array_equal(adata.obsm["X_attentionae"], genes.obsm["X_attentionae"])


def test_raw_gives_the_same_as_x(adata):
    other = adata.copy()
    other.raw = adata
    other.X = numpy.log1p(other.X)
    attentionae_sc.tl.cluster(adata, 0.3, **FAST)
    attentionae_sc.tl.cluster(other[:, :50].copy(), 0.3, use_raw=True, **FAST)
    attentionae_sc.tl.cluster(other, 0.3, use_raw=True, **FAST)
    numpy.testing.assert_array_equal(adata.obsm["X_attentionae"], other.obsm["X_attentionae"])


def test_scanpy_plots_the_results(adata, tmp_path):
    scanpy = pytest.importorskip("scanpy")
    attentionae_sc.tl.cluster(adata, save_umap=True, **FAST)
    scanpy.settings.figdir = tmp_path
    scanpy.pl.embedding(adata, "X_attentionae_umap", color=["attentionae", "attentionae_confidence"], show=False, save=".png")
    assert list(tmp_path.glob("*.png"))
    scanpy.pp.neighbors(adata[adata.obs["attentionae"].notna()].copy(), use_rep="X_attentionae")


def test_later_results_take_the_place_of_earlier_ones(adata):
    attentionae_sc.tl.cluster(adata, save_umap=True, **FAST)
    attentionae_sc.tl.cluster(adata, 0.3, **FAST)
    assert "attentionae_fine" not in adata.obs and "X_attentionae_umap" not in adata.obsm
    assert "tree" not in adata.uns["attentionae"]


def test_labels_are_scored_where_they_are_named(adata):
    attentionae_sc.tl.cluster(adata, 0.3, celltype="kind", **FAST)
    assert "ari" in adata.uns["attentionae"]["scores"]
    before = adata.obs["attentionae"].copy()
    attentionae_sc.tl.cluster(adata, 0.3, celltype="attentionae", key_added="second", **FAST)
    assert "ari" in adata.uns["second"]["scores"]
    pandas.testing.assert_series_equal(adata.obs["attentionae"], before)


def test_a_preset_says_what_no_argument_does(adata):
    attentionae_sc.tl.cluster(adata, preset="published", clustering_epoch=1, **FAST)
    assert adata.uns["attentionae"]["parameters"]["resolution"] == 1.0
    attentionae_sc.tl.cluster(adata, "auto", preset="published", clustering_epoch=1, **FAST)
    assert adata.uns["attentionae"]["parameters"]["resolution"] == "auto"


def test_columns_are_read_that_options_name(adata):
    adata.obs["lane"] = ["1", "1", "2", "2"] * 20
    for batch_key in ("donor, lane", ["donor", "lane"]):
        attentionae_sc.tl.cluster(adata, 0.3, batch_key=batch_key, **FAST)
        assert adata.uns["attentionae"]["parameters"]["batch_key"] == "donor,lane"
    attentionae_sc.tl.cluster(adata, 0.3, within="kind=b", **FAST)
    assert (adata.obs["attentionae"].notna() == (adata.obs["kind"] == "b")).all()


def test_columns_of_any_kind_are_read_as_text(adata):
    adata.obs["day"] = pandas.to_datetime(["2020-01-01", "2020-01-02"] * 40)
    adata.obs["lane"] = pandas.Series([1, "b"] * 40, index=adata.obs_names, dtype=object)
    adata.obs["celltype"] = pandas.Series([numpy.nan, 1, "t", True] * 20, index=adata.obs_names, dtype=object)
    before = adata.obs.copy()
    attentionae_sc.tl.cluster(adata, 0.3, batch_key=["day", "lane"], **FAST)
    assert adata.uns["attentionae"]["scores"].keys() >= {"ari", "nmi"}
    attentionae_sc.tl.cluster(adata, 0.3, within="day=2020-01-02", celltype=False, **FAST)
    assert (adata.obs["attentionae"].notna() == (before["lane"] == "b") & (adata.X.sum(axis=1) > 0)).all()
    assert "ari" not in adata.uns["attentionae"]["scores"]
    pandas.testing.assert_frame_equal(adata.obs[before.columns], before)


def test_only_columns_that_are_needed_are_written(adata):
    adata.obs["celltype"] = "t"
    for options, needed in (
        ({}, ["celltype"]),
        ({"celltype": True}, ["celltype"]),
        ({"celltype": False}, []),
        ({"celltype": "kind"}, ["kind"]),
        ({"celltype": False, "within": "kind=a", "batch_key": "donor"}, ["kind", "donor"]),
    ):
        read = attentionae_sc.tl._what_is_read(adata[:40], {"batch_key": None, "layer": None, **options})
        assert list(read.obs) == needed, options
    adata.obs["a,b"], adata.obs["kind=a"] = adata.obs["donor"], adata.obs["kind"]
    read = attentionae_sc.tl._what_is_read(adata, {"batch_key": "a,b", "within": "kind=a=b", "celltype": False, "layer": None})
    assert list(read.obs) == ["kind", "a,b"]
    del adata.obs["kind"]
    read = attentionae_sc.tl._what_is_read(adata, {"batch_key": None, "within": "kind=a=b", "celltype": False, "layer": None})
    assert list(read.obs) == ["kind=a"]
    adata.obs["celltype"] = pandas.Series([numpy.nan, 1, "t", 2.5] * 20, index=adata.obs_names, dtype=object)
    read = attentionae_sc.tl._what_is_read(adata, {"batch_key": None, "layer": None})
    assert read.obs["celltype"].isna().sum() == 20
    assert set(read.obs["celltype"].dropna()) == {"1", "t", "2.5"}


def test_the_programs_words_are_the_exceptions(adata):
    with pytest.raises(attentionae_sc.UsageError, match="n_hgv.*did you mean.*n_hvg"):
        attentionae_sc.tl.cluster(adata, n_hgv=3)
    with pytest.raises(ValueError, match="invalid value '-1' for '-resolution"):
        attentionae_sc.tl.cluster(adata, -1)
    adata.X = numpy.log1p(adata.X)
    before = adata.copy()
    with pytest.raises(attentionae_sc.ProgramError, match="X") as failed:
        attentionae_sc.tl.cluster(adata)
    assert failed.value.exit_code == 1
    assert list(adata.obs) == list(before.obs) and not adata.obsm and not adata.uns


def test_what_adata_lacks_is_said_before_anything_runs(adata):
    with pytest.raises(KeyError, match="no layer 'counts'"):
        attentionae_sc.tl.cluster(adata, layer="counts")
    with pytest.raises(ValueError, match="adata.raw is None"):
        attentionae_sc.tl.cluster(adata, use_raw=True)
    for options in ({"batch_key": ["donor", "zzz"]}, {"within": "zzz=a"}, {"celltype": "zzz"}):
        with pytest.raises(KeyError, match="no column 'zzz' in adata.obs; its columns: kind, donor"):
            attentionae_sc.tl.cluster(adata, **options)
    with pytest.raises(KeyError, match="no column 'celltype' in adata.obs"):
        attentionae_sc.tl.cluster(adata, celltype=True)
    with pytest.raises(attentionae_sc.UsageError, match="must be COLUMN=VALUE"):
        attentionae_sc.tl.cluster(adata, within="zzz")


def test_no_file_is_written_and_lost(adata):
    command = [_program.path(), "--help-all"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=_program.environment()).stdout
    outputs = told.partition("\nOutputs:\n")[2].partition("\n\n")[0]
    about_files = {"output_name", *re.findall(r"^  -(\w+)", outputs, re.MULTILINE)} - {"save_umap"}
    assert {"output_dir", "save_model_para", "save_report"} < about_files
    for name in about_files:
        with pytest.raises(TypeError, match=f"keeps no files: leave out {name};"):
            attentionae_sc.tl.cluster(adata, **{name: True})


def test_progress_is_shown_unless_quiet(adata, capsys):
    attentionae_sc.tl.cluster(adata, 0.3, **FAST)
    assert "Cell graph of" in capsys.readouterr().err
    attentionae_sc.tl.cluster(adata, 0.3, quiet=True, **FAST)
    assert capsys.readouterr().err == ""


def test_ctrl_c_stops_the_program(adata, tmp_path):
    path = tmp_path / "cells.h5ad"
    adata.write_h5ad(path)
    # A job in the background is started with the signal ignored, which children would inherit.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heard}; import anndata, attentionae_sc; attentionae_sc.tl.cluster(anndata.read_h5ad({str(path)!r}), training_epoch=100000)"
    environment = dict(os.environ, TMPDIR=str(tmp_path), PYTHONPATH=os.pathsep.join(sys.path))
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=environment)
    said = next(line for line in process.stderr if "Pretraining" in line)
    assert "Pretraining" in said
    # To Python alone, as a notebook's kernel does it.
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert "KeyboardInterrupt" in said
    time.sleep(0.1)
    assert [file.name for file in tmp_path.iterdir()] == ["cells.h5ad"]


def test_the_command_line_imports_nothing_that_takes_time():
    code = "import sys; import attentionae_sc._program; print(','.join(m for m in ('anndata', 'numpy', 'subprocess') if m in sys.modules))"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert loaded.stdout.strip() == ""


def test_pandas_reads_tables_in_parquet(adata, tmp_path):
    path = tmp_path / "small.h5ad"
    adata.write_h5ad(path)
    words = [word for name, value in FAST.items() for word in (f"-{name}", str(value))]
    command = [_program.path(), "-name", path, "-output_dir", tmp_path, "-save_markers", "True", *words]
    for table_format in ("csv", "parquet"):
        subprocess.run([*command, "-table_format", table_format], check=True, capture_output=True, env=_program.environment())
    for table in ("pred_label", "embedding", "markers"):
        text = pandas.read_csv(tmp_path / table / "small.csv", dtype={"cell": str})
        read = pandas.read_parquet(tmp_path / table / "small.parquet")
        assert list(read.columns) == list(text.columns)
        # CSV has three decimals of a confidence.
        pandas.testing.assert_frame_equal(read, text, check_dtype=False, rtol=1e-6, atol=5.1e-4)
    embedding = pandas.read_parquet(tmp_path / "embedding/small.parquet")
    assert set(embedding.dtypes[1:].astype(str)) == {"float32"}
