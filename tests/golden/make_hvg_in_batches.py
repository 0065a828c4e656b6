#!/usr/bin/env python3
"""The highly variable genes that scanpy 1.10 chooses in batches: writes hvg_in_batches.txt beside this script.

Batches are told from the cells' places: two of three cells are of batch a, the others of b, every 16th of c.
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
sc.pp.highly_variable_genes(cells, n_top_genes=N_HVG, batch_key="batch")
chosen = cells.var_names[cells.var["highly_variable"]]
(here / "hvg_in_batches.txt").write_text("\n".join(chosen) + "\n")
