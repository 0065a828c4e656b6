#!/usr/bin/env python3
"""The highly variable genes that scanpy 1.10 chooses by each flavor, in all cells and in batches: writes hvg_*.txt beside this script.

The flavor cell_ranger needs statsmodels. Batches are told from the cells' places: every 16th cell is of batch c, every third other
one of b, the rest of a.
"""

from pathlib import Path

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
sc.pp.normalize_total(cells, target_sum=1e4)
sc.pp.log1p(cells)
for name, flavor, batch_key in [
    ("seurat_in_batches", "seurat", "batch"),
    ("cell_ranger", "cell_ranger", None),
    ("cell_ranger_in_batches", "cell_ranger", "batch"),
]:
    sc.pp.highly_variable_genes(cells, n_top_genes=N_HVG, flavor=flavor, batch_key=batch_key)
    chosen = cells.var_names[cells.var["highly_variable"]]
    (here / f"hvg_{name}.txt").write_text("\n".join(chosen) + "\n")
