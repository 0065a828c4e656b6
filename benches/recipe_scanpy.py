#!/usr/bin/env python3
"""scanpy's recipe on one data set, as a process of its own: read, normalise, HVG, scale, PCA, neighbours, Leiden.

    benches/recipe_scanpy.py DATA.h5ad LABELS.txt

Prints seconds by stage and peak memory as JSON, and writes the cluster of every cell, a line each.
"""

import json
import resource
import sys
import time
import warnings

STARTED = time.perf_counter()

import scanpy as sc
import scipy.sparse

warnings.filterwarnings("ignore")
if not hasattr(scipy.sparse.csr_array, "getnnz"):  # scanpy 1.10 calls it, scipy 1.15 and later lacks it
    scipy.sparse.csr_array.getnnz = scipy.sparse.csr_array._getnnz

HVGS, COMPONENTS, RESOLUTION = 2500, 50, 0.3


def main():
    data, labels = sys.argv[1:]
    cells = None
    stages = {"start": time.perf_counter() - STARTED}

    def step(stage, work):
        nonlocal cells
        started = time.perf_counter()
        cells = work(cells) or cells
        stages[stage] = stages.get(stage, 0) + time.perf_counter() - started

    step("read", lambda _: sc.read_h5ad(data))
    step("preprocess", lambda x: sc.pp.filter_cells(x, min_counts=1))
    step("preprocess", lambda x: sc.pp.normalize_total(x, target_sum=1e4))
    step("preprocess", lambda x: sc.pp.log1p(x))
    step("preprocess", lambda x: sc.pp.highly_variable_genes(x, n_top_genes=min(HVGS, x.n_vars), subset=True))
    step("preprocess", lambda x: sc.pp.scale(x, max_value=10))
    step("pca", lambda x: sc.pp.pca(x, n_comps=COMPONENTS))
    step("neighbors", lambda x: sc.pp.neighbors(x))
    step("leiden", lambda x: sc.tl.leiden(x, resolution=RESOLUTION, flavor="igraph", n_iterations=2))
    with open(labels, "w") as file:
        file.writelines(f"{label}\n" for label in cells.obs["leiden"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"stages": stages, "peak_rss_mb": peak}))


main()
