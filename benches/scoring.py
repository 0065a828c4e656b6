"""The figures of quality.py: what true labels say of clusters and of an embedding.

A type counts where 20 cells or more are of it; cells of no type are left out. Cells are those with a count, in the
file's order, which is how the program writes them. Reading a data set needs anndata, scoring clusters nothing more;
what looks at an embedding needs scanpy 1.10.
"""

import statistics
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

SMALLEST_TYPE = 20
LOST_BELOW = 0.5
NEIGHBORS = 15
FURTHER_BELOW = 0.1
LADDER = [0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0]
SCANPY_RESOLUTIONS = ["0.1", "0.3", "0.5", "1.0"]

try:
    import anndata
    import h5py
    import numpy as np
    import pandas
except ImportError:
    anndata = None
try:
    import scanpy
    import scipy.sparse
    from sklearn import metrics
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestNeighbors
except ImportError:
    scanpy = None
else:
    warnings.filterwarnings("ignore", module="scanpy|anndata|sklearn|umap|numba")
    if not hasattr(scipy.sparse.csr_array, "getnnz"):  # scanpy 1.10 calls it, scipy 1.15 and later lacks it
        scipy.sparse.csr_array.getnnz = scipy.sparse.csr_array._getnnz


def say_what_is_missing():
    """Says on stderr which figures are left out, and for want of what."""
    if anndata is None:
        print("anndata is not installed: type F1 and types lost are left out", file=sys.stderr)
    if scanpy is None:
        print("scanpy is not installed: neighbour votes and Leiden's best resolution are left out", file=sys.stderr)


# Cells


def read_cells(path):
    """The cells of an .h5ad file that have a count, under names that differ, as the program numbers them."""
    cells = anndata.read_h5ad(path)
    cells = cells[np.asarray(cells.X.sum(axis=1)).ravel() > 0].copy()
    cells.obs_names_make_unique()
    return cells


def read_names(path):
    """The same without their counts, of which a file may hold more than there is memory for."""
    obs = anndata.read_h5ad(path, backed="r").obs
    with h5py.File(path) as file:
        named = anndata.AnnData(obs=obs[totals(file["X"], len(obs)) > 0])
    named.obs_names_make_unique()
    return named


def totals(x, n_cells, at_a_time=10_000):
    """What the values of each cell in the matrix of an .h5ad file add up to, a run of rows or columns read at a time."""
    if isinstance(x, h5py.Dataset):
        return np.concatenate([x[start : start + at_a_time].sum(axis=1) for start in range(0, n_cells, at_a_time)])
    sums = np.zeros(n_cells)
    offsets = x["indptr"][:]
    for start in range(0, len(offsets) - 1, at_a_time):
        ends = offsets[start : start + at_a_time + 1]
        values = x["data"][ends[0] : ends[-1]]
        if x.attrs["encoding-type"] == "csr_matrix":
            cells = np.repeat(np.arange(start, start + len(ends) - 1), np.diff(ends))
        else:
            cells = x["indices"][ends[0] : ends[-1]]
        sums += np.bincount(cells, weights=values, minlength=n_cells)
    return sums


def only_file(folder, pattern):
    """The one file below a folder that a run wrote under such a name."""
    (found,) = Path(folder).glob(pattern)
    return found


def read_rows(path, cells):
    """A table that the program wrote with a row for each of `cells`, without the names.

    Fails where the rows are of other cells.
    """
    rows = pandas.read_csv(path, dtype={"cell": str, "label": str}, keep_default_na=False).set_index("cell")
    if list(rows.index) != list(cells.obs_names):
        raise ValueError(f"{path.name}: its rows are not the cells of the data set that have a count, in their order")
    return rows


def true_types(cells):
    """The true type of each cell, None where the file has none.

    Fails where there is no obs['celltype'], or nothing in it.
    """
    if "celltype" not in cells.obs or cells.obs["celltype"].isna().all():
        raise ValueError("no obs['celltype'] to score against")
    return [None if pandas.isna(name) else str(name) for name in cells.obs["celltype"]]


def typed(types, labels):
    """The same of the cells that have a type."""
    return zip(*((name, label) for name, label in zip(types, labels) if name is not None))


# Clusters


def cluster_figures(types, labels):
    """`type_f1`, `types_lost` and `types` of a clustering.

    type_f1: mean over types of the best F1 that any cluster reaches; types_lost: types whose best F1 is below .5;
    types: number of types.
    """
    best = best_f1_of_types(types, labels)
    if not best:
        return {"types": 0}
    lost = sum(f1 < LOST_BELOW for f1 in best.values())
    return {"type_f1": statistics.mean(best.values()), "types_lost": lost, "types": len(best)}


def best_f1_of_types(types, labels):
    """For each type, the F1 of the cluster that tells it best: 2 · shared / (cells of the type + of the cluster)."""
    types, labels = typed(types, labels)
    of_type, in_cluster = Counter(types), Counter(labels)
    best = {name: 0.0 for name, n in of_type.items() if n >= SMALLEST_TYPE}
    for (name, cluster), shared in Counter(zip(types, labels)).items():
        if name in best:
            best[name] = max(best[name], 2 * shared / (of_type[name] + in_cluster[cluster]))
    return best


def ari_and_f1(types, labels):
    """(ARI + type F1) / 2, so that neither large types nor small ones decide alone."""
    found = ari(types, labels)
    return (found + cluster_figures(types, labels).get("type_f1", found)) / 2


def ari(types, labels):
    """Adjusted Rand index of a clustering, over the cells that have a type."""
    return metrics.adjusted_rand_score(*typed(types, labels))


def best_resolution(graph, types):
    """`best_resolution_score` and `best_resolution`: the highest (ARI + type F1) / 2 that Leiden reaches on a ladder
    of resolutions, chosen by true labels, on the neighbour graph of `graph` (an AnnData).
    """
    score, resolution = max((ari_and_f1(types, leiden(graph, r)), -r) for r in LADDER)
    return {"best_resolution_score": score, "best_resolution": -resolution}


def leiden(graph, resolution):
    """scanpy's Leiden of a neighbour graph: a label for each cell."""
    scanpy.tl.leiden(graph, resolution=resolution, flavor="igraph", n_iterations=2, random_state=0)
    return graph.obs["leiden"].tolist()


# Embeddings


def embedding_figures(z, types, votes_of_pcs):
    """`vote`, `vote_pca` and `types_below` of an embedding, and its `best_resolution_score`.

    The graph is scanpy's: cosine, 15 neighbours.
    """
    graph = anndata.AnnData(z)
    scanpy.pp.neighbors(graph, n_neighbors=NEIGHBORS, use_rep="X", metric="cosine")
    return vote_figures(vote(z, types, "cosine"), votes_of_pcs) | best_resolution(graph, types)


def vote(z, types, metric):
    """The F1 of each type when every cell is given the type that most of its 15 nearest others have.

    Among equals the type that the file names first.
    """
    codes, names = pandas.factorize(np.array(types, dtype=object))
    z, codes = z[codes >= 0], codes[codes >= 0]
    search = NearestNeighbors(n_neighbors=min(NEIGHBORS + 1, len(z)), metric=metric).fit(z)
    near = search.kneighbors(z, return_distance=False)
    others = [codes[row[row != cell][:NEIGHBORS]] for cell, row in enumerate(near)]
    guesses = [np.bincount(row, minlength=len(names)).argmax() for row in others]
    f1 = metrics.f1_score(codes, guesses, average=None, labels=range(len(names)), zero_division=0)
    return {str(name): float(f) for name, f, n in zip(names, f1, np.bincount(codes)) if n >= SMALLEST_TYPE}


def vote_figures(votes, votes_of_pcs):
    """`vote` and `vote_pca`: mean over types of the neighbour vote's F1, in the embedding and in the principal
    components; `types_below`: types whose F1 is more than .1 below that in the components.
    """
    if not votes:
        return {"types": 0}
    below = sum(votes[name] < votes_of_pcs[name] - FURTHER_BELOW for name in votes)
    return {
        "vote": statistics.mean(votes.values()),
        "vote_pca": statistics.mean(votes_of_pcs.values()),
        "types_below": below,
        "types": len(votes),
    }


def votes_of_pcs(cells):
    """The neighbour vote among scanpy's principal components."""
    return vote(components(cells).obsm["X_pca"], true_types(cells), "euclidean")


def unseen_figures(cells, z, trained_on):
    """`vote_figures` of the cells that a network did not learn from, among themselves.

    z: the embedding of all `cells`; trained_on: positions of those that were learnt from. The principal components
    beside it were fitted on the same cells.
    """
    unseen = np.ones(len(z), dtype=bool)
    unseen[trained_on] = False
    types = np.array(true_types(cells), dtype=object)[unseen]
    pcs = components_fitted_on(cells, trained_on)
    return vote_figures(vote(z[unseen], types, "cosine"), vote(pcs[unseen], types, "euclidean"))


# scanpy's recipe


def log_normalised(cells):
    """A copy, of log(1 + counts per 10,000)."""
    cells = cells.copy()
    scanpy.pp.normalize_total(cells, target_sum=1e4)
    scanpy.pp.log1p(cells)
    return cells


def z_scores(cells):
    """The 2,500 most variable genes of log-normalised cells, as z-scores up to ±10."""
    scanpy.pp.highly_variable_genes(cells, n_top_genes=min(2500, cells.n_vars))
    scaled = cells[:, cells.var["highly_variable"]].copy()
    scanpy.pp.scale(scaled, max_value=10)
    return scaled


def n_components(scaled):
    return min(50, min(scaled.shape) - 1)


def components(cells):
    """Cells with scanpy's 50 principal components in obsm['X_pca']."""
    scaled = z_scores(log_normalised(cells))
    scanpy.tl.pca(scaled, n_comps=n_components(scaled))
    return scaled


def components_fitted_on(cells, positions):
    """50 principal components of all cells whose genes, means, deviations and axes are those of a sample's."""
    cells = log_normalised(cells)
    sample = z_scores(cells[positions].copy())
    pca = PCA(n_components(sample), svd_solver="arpack", random_state=0).fit(sample.X)
    values = cells[:, sample.var_names].X
    values = values.toarray() if scipy.sparse.issparse(values) else values
    scaled = (values - sample.var["mean"].to_numpy()) / sample.var["std"].to_numpy()
    return pca.transform(np.clip(scaled, -10, 10))


def scanpy_rows(path, votes, resolutions):
    """scanpy's Leiden on its 50 principal components: (resolution, figures) of each."""
    start = time.monotonic()
    cells = read_cells(path)
    scanpy.pp.filter_genes(cells, min_cells=1)
    graph = components(cells)
    scanpy.pp.neighbors(graph, n_neighbors=NEIGHBORS)
    prepared = time.monotonic() - start
    types = true_types(graph)
    of_pcs = vote_figures(votes, votes) | best_resolution(graph, types)
    for resolution in resolutions:
        start = time.monotonic()
        labels = leiden(graph, float(resolution))
        seconds = prepared + time.monotonic() - start
        yield resolution, scanpy_figures(graph, types, labels) | of_pcs | {"seconds": seconds}


def scanpy_figures(graph, types, labels):
    clusters = len(set(labels))
    return {
        "ari": metrics.adjusted_rand_score(*typed(types, labels)),
        "nmi": metrics.normalized_mutual_info_score(*typed(types, labels)),
        "asw": metrics.silhouette_score(graph.obsm["X_pca"], labels) if clusters > 1 else None,
        "clusters": clusters,
        **cluster_figures(types, labels),
    }
