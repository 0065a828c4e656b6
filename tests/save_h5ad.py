"""Runs the program with -save_h5ad True on a file that this anndata writes, and reads the result with it.

    python tests/save_h5ad.py            # needs target/release/attentionae-sc (make build)

To be run once with each version of anndata; these were tried, in virtual environments of their own:

    python 3.10  anndata==0.8.0 "numpy<1.24" "pandas<2" "scipy<1.12" "h5py<3.12"
    python 3.11  anndata==0.10.9 "numpy<2" "pandas<2.3"
    python 3.11  anndata==0.11.4 scanpy==1.10.4 "pandas<3" "numpy<2.4"
    python 3.13  anndata==0.13.4 scanpy (pandas 3)

Where scanpy is installed, it also draws the embedding.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

PROGRAM = Path(__file__).parent.parent / "target/release/attentionae-sc"
EMPTY = [0, 17, 119]


def example():
    """Cells of three types, three cells without counts, and something in every part of the file."""
    rng = np.random.default_rng(5)
    types = rng.integers(0, 3, 120)
    rates = rng.gamma(1.0, 1.0, (3, 60))
    counts = rng.poisson(rates[types]).astype(np.float32)
    counts[EMPTY] = 0
    adata = ad.AnnData(sparse.csr_matrix(counts))
    adata.obs_names = [f"cell {i}" for i in range(120)]
    adata.var_names = [f"gene {i}" for i in range(60)]
    adata.obs["celltype"] = pd.Categorical.from_codes(types, ["α", "β", "γ"])
    adata.obs["n"] = counts.sum(1)
    adata.obs["note"] = [f"note {i}" for i in range(120)]
    adata.obs["flag"] = types == 1
    adata.var["mean"] = counts.mean(0)
    adata.layers["dense"] = counts * 2
    adata.raw = adata.copy()
    adata.obsm["X_pca"] = rng.normal(size=(120, 5))
    adata.obsm["table"] = pd.DataFrame({"a": types}, index=adata.obs_names)
    adata.varm["loadings"] = rng.normal(size=(60, 5))
    adata.obsp["distances"] = sparse.random(120, 120, 0.1, format="csr", random_state=1)
    adata.uns["nested"] = {"list": np.arange(3), "text": "x", "deeper": {"number": 1.5}}
    return adata


def flat(value, name=""):
    """Everything in a group of a file as (name, attributes, values)."""
    found = {}
    for key, child in value.items():
        attributes = {k: np.asarray(v).tolist() for k, v in child.attrs.items()}
        if hasattr(child, "items"):
            found[f"{name}/{key}"] = attributes, None
            found.update(flat(child, f"{name}/{key}"))
        else:
            found[f"{name}/{key}"] = attributes, np.asarray(child[()]).tolist()
    return found


def check_unchanged(before, after):
    import h5py

    with h5py.File(before) as a, h5py.File(after) as b:
        a, b = flat(a), flat(b)
    b = {name: value for name, value in b.items() if "attentionae" not in name}
    assert a.keys() == b.keys(), a.keys() ^ b.keys()
    order = b["/obs"][0].pop("column-order")
    assert order == [*a["/obs"][0].pop("column-order"), "attentionae"], order
    changed = [name for name in a if a[name] != b[name]]
    assert not changed, changed
    print(f"  {len(a)} elements are as they were")


def check_results(path, out):
    adata = ad.read_h5ad(path)
    labels = pd.read_csv(out / "pred_label/example.csv", dtype=str).set_index("cell")["label"]
    found = adata.obs["attentionae"]
    assert isinstance(found.dtype, pd.CategoricalDtype), found.dtype
    assert found.isna().to_numpy().nonzero()[0].tolist() == EMPTY
    assert (found.dropna().astype(str) == labels).all()
    assert list(found.cat.categories) == sorted(set(labels), key=int)
    z = pd.read_csv(out / "embedding/example.csv").set_index("cell")
    in_file = adata.obsm["X_attentionae"]
    assert in_file.dtype == np.float32 and np.isnan(in_file[EMPTY]).all()
    kept = ~found.isna().to_numpy()
    assert (in_file[kept] == z.to_numpy(np.float32)).all()
    assert adata.obsm["X_attentionae_umap"].shape == (120, 2)
    uns = adata.uns["attentionae"]
    assert uns["seed"] == 3 and uns["parameters"]["save_h5ad"] and "asw" in uns["scores"], uns
    assert isinstance(uns["version"], str)
    print(f"  {found.nunique()} clusters, parameters {len(uns['parameters'])}, scores {dict(uns['scores'])}")
    return adata


def draw(adata, folder):
    try:
        import scanpy
    except ImportError:
        print("  scanpy is not installed: nothing drawn")
        return
    import matplotlib

    matplotlib.use("agg")
    figure = scanpy.pl.embedding(adata, "X_attentionae_umap", color="attentionae", return_fig=True)
    figure.savefig(folder / "figure.png")
    print(f"  drawn by scanpy {scanpy.__version__}")


def main():
    print(f"anndata {ad.__version__}, pandas {pd.__version__}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        example().write_h5ad(folder / "example.h5ad")
        arguments = "-training_epoch 5 -clustering_epoch 2 -seed 3 -save_h5ad True -save_umap True -quiet"
        command = [PROGRAM, "-name", folder / "example.h5ad", "-output_dir", folder, *arguments.split()]
        subprocess.run(command, check=True)
        path = folder / "h5ad/example.h5ad"
        check_unchanged(folder / "example.h5ad", path)
        adata = check_results(path, folder)
        draw(adata, folder)
        # what this anndata writes again, it reads again
        adata.write_h5ad(folder / "again.h5ad")
        again = ad.read_h5ad(folder / "again.h5ad")
        assert again.obs["attentionae"].equals(adata.obs["attentionae"])
    print("  good")


main()
