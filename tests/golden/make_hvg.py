#!/usr/bin/env python3
"""The highly variable genes that scanpy 1.10 chooses by each flavor, in all cells and in batches: writes hvg_*.txt beside this script.

The flavor cell_ranger needs statsmodels. Batches are told from the cells' places: every 16th cell is of batch c, every third other
one of b, the rest of a.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse

N_HVG = 120

if not hasattr(scipy.sparse.csr_array, "getnnz"):  # scanpy 1.10 calls it, scipy 1.15 and later lacks it
    scipy.sparse.csr_array.getnnz = scipy.sparse.csr_array._getnnz

here = Path(__file__).parent
cells = sc.read_h5ad(here / "small.h5ad")
cells.obs["batch"] = ["c" if i % 16 == 0 else "b" if i % 3 == 0 else "a" for i in range(cells.n_obs)]
sc.pp.filter_cells(cells, min_counts=1)
sc.pp.filter_genes(cells, min_cells=1)
counts = cells.copy()
sc.pp.normalize_total(cells, target_sum=1e4)
sc.pp.log1p(cells)


def write(name, chosen):
    """Writes the names of genes, given by their places or by a mask, in the order of the file."""
    names = cells.var_names[np.sort(chosen) if chosen.dtype != bool else chosen]
    (here / f"hvg_{name}.txt").write_text("\n".join(names) + "\n")


for name, flavor, batch_key in [
    ("seurat_in_batches", "seurat", "batch"),
    ("cell_ranger", "cell_ranger", None),
    ("cell_ranger_in_batches", "cell_ranger", "batch"),
]:
    sc.pp.highly_variable_genes(cells, n_top_genes=N_HVG, flavor=flavor, batch_key=batch_key)
    write(name, cells.var["highly_variable"].to_numpy())


def residual_variances(counts):
    """Of every gene, by scanpy; a gene that is not detected has none."""
    found = sc.experimental.pp.highly_variable_genes(counts, flavor="pearson_residuals", n_top_genes=N_HVG, inplace=False)
    return found["residual_variances"].to_numpy()


write("pearson_residuals", np.argsort(-residual_variances(counts))[:N_HVG])
# scanpy clips the residuals of all batches at the square root of the number of cells of the first batch. Here each batch is given to
# it alone, and its rule for batches is applied to what it finds: most batches first, then the lowest median rank in these.
batches = [counts[counts.obs["batch"] == batch] for batch in "abc"]
ranks = np.argsort(np.argsort([-residual_variances(cells) for cells in batches], axis=1), axis=1).astype(float)
ranks[ranks >= N_HVG] = np.nan
order = pd.DataFrame({"batches": -np.isfinite(ranks).sum(axis=0), "rank": pd.DataFrame(ranks).median()})
write("pearson_residuals_in_batches", order.sort_values(["batches", "rank"]).index[:N_HVG])
