"""`tl.annotate` on small data: labels of a trained model. `pytest python/tests`."""

import subprocess

import numpy
import pytest
from test_cluster import FAST, _program, a_program, adata  # noqa: F401

import attentionae_sc


@pytest.fixture
def model(adata, tmp_path):  # noqa: F811
    """A model of the cells, trained by the program itself."""
    path = tmp_path / "first.h5ad"
    adata.write_h5ad(path)
    words = [word for name, value in FAST.items() for word in (f"-{name}", str(value))]
    command = [_program.path(), "-name", path, "-output_dir", tmp_path, "-celltype", "kind", "-save_model_para", "True", *words]
    subprocess.run(command, check=True, capture_output=True, env=_program.environment())
    return tmp_path / "model_save/first.safetensors"


def test_new_cells_get_the_types_of_the_training_data(adata, model):  # noqa: F811
    attentionae_sc.tl.annotate(adata, model, "celltype", key_added="type", threads=1, quiet=True)
    labels = adata.obs["type"]
    assert labels.isna().to_numpy().nonzero()[0].tolist() == [3]
    known = labels.notna() & (labels != "unassigned")
    assert known.sum() > 70
    assert (labels[known].astype(str) == adata.obs["kind"][known]).all()
    assert adata.obs["type_confidence"].dropna().between(0, 1).all()
    assert adata.obsm["X_type"].shape == (80, 32)
    assert adata.uns["type"]["label_by"] == "celltype"


def test_clusters_get_the_names_that_are_given(adata, model):  # noqa: F811
    attentionae_sc.tl.annotate(adata, str(model), names={0: "first, of all", 1: "second"}, threads=1)
    assert "first, of all" in set(adata.obs["attentionae"].dropna())
    shuffled = adata[numpy.random.default_rng(1).permutation(80), ::-1].copy()
    attentionae_sc.tl.annotate(shuffled, model, names={0: "first, of all", 1: "second"}, threads=1)
    numpy.testing.assert_array_equal(shuffled[adata.obs_names].obsm["X_attentionae"], adata.obsm["X_attentionae"])


def test_what_is_wrong_is_an_exception(adata, model):  # noqa: F811
    with pytest.raises(TypeError, match="output_dir"):
        attentionae_sc.tl.annotate(adata, model, output_dir="x")
    with pytest.raises(attentionae_sc.ProgramError, match="cannot be read"):
        attentionae_sc.tl.annotate(adata, "no.safetensors", quiet=True)
    with pytest.raises(attentionae_sc.UsageError, match="label_by"):
        attentionae_sc.tl.annotate(adata, model, "type", quiet=True)
    adata.var_names = [f"other{i}" for i in range(120)]
    with pytest.raises(attentionae_sc.ProgramError, match="has 0 of the"):
        attentionae_sc.tl.annotate(adata, model, quiet=True)
