"""Writes markers.h5: scanpy's marker genes of the simulated cells in small.h5ad.

    python make_markers.py
    python make_markers.py check DATA.h5ad pred_label/NAME.csv markers/NAME.csv

The second form compares a run's markers with scanpy's on the same labels. Made with scanpy==1.10.4
anndata==0.11.4 numpy==2.3.5 pandas==2.3.3 scipy==1.17.1 statsmodels==0.15.0.
"""

import os
import sys
from pathlib import Path

# numpy's AVX-512 log1p differs in its last bit from its plain one, and with it which cells tie: scores move by
# up to 0.01 then. The goldens are made with the plain one.
os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"

import anndata as ad  # noqa: E402
import h5py  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import scanpy as sc  # noqa: E402

here = Path(__file__).parent


def ranked(adata, labels):
    """scanpy's table of every cluster and gene; cells without counts left out, all genes kept.

    scanpy refuses a cluster of one cell: it is in the rest only.
    """
    adata.obs["group"] = pd.Categorical(labels)
    adata = adata[adata.X.sum(1) > 0].copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sizes = adata.obs["group"].value_counts()
    groups = list(sizes.index[sizes > 1])
    sc.tl.rank_genes_groups(adata, "group", groups=groups, method="wilcoxon", pts=True)
    return sc.get.rank_genes_groups_df(adata, None)


def make():
    adata = ad.read_h5ad(here / "small.h5ad")
    rng = np.random.default_rng(11)
    partitions = {
        "celltype": adata.obs["celltype"].cat.codes.to_numpy(),
        "uneven": rng.permutation(np.repeat(np.arange(5), [3, 12, 36, 69, 120])),
    }
    with h5py.File(here / "markers.h5", "w") as file:
        for name, labels in partitions.items():
            table = ranked(adata, [str(label) for label in labels])
            file[f"{name}/labels"] = labels.astype(np.int64)
            for column in table.columns[2:]:
                wide = table.pivot(index="group", columns="names", values=column)
                file.create_dataset(
                    f"{name}/{column}", data=wide[adata.var_names].to_numpy(), compression="gzip"
                )


def check(data, labels, markers):
    labels = pd.read_csv(labels, dtype=str).set_index("cell")["label"]
    found = pd.read_csv(markers, dtype={"group": str})
    adata = ad.read_h5ad(data)
    adata.obs_names_make_unique()
    adata.var_names_make_unique()
    expected = ranked(adata, labels.reindex(adata.obs_names))
    found = found[found.group.isin(expected.group)]
    both = found.merge(expected, on=["group", "names"], suffixes=("", "_scanpy"))
    print(f"{len(found)} markers of {found.group.nunique()} clusters, {len(both)} found in scanpy's table")
    assert len(both) == len(found)
    for column in found.columns[2:]:
        a, b = both[column].to_numpy(float), both[f"{column}_scanpy"].to_numpy(float)
        scale = np.maximum(np.abs(b), 1e-300 if "pval" in column else 1)
        print(f"{column:18} largest difference {np.max(np.abs(a - b) / scale):.1e}")
    for group, rows in found.groupby("group"):
        best = expected[expected.group == group].scores.nlargest(len(rows)).to_numpy()
        np.testing.assert_allclose(rows.scores.to_numpy(), best, rtol=1e-5)
    print("the best markers are the same")


if sys.argv[1:2] == ["check"]:
    check(*sys.argv[2:])
else:
    make()
