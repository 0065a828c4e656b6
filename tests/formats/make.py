"""Writes one small file per format and encoding that is read, all of them the same data.

    python3.9  -m venv old && old/bin/pip install anndata==0.7.8 pandas==1.3.5 numpy==1.22.4 scipy==1.7.3 h5py==3.6.0
    python3.12 -m venv new && new/bin/pip install anndata==0.13.4 pandas==3.1.1 numpy==2.5.5 scipy==1.18.1 h5py==3.16.0 hdf5plugin==7.1.0 zarr
    old/bin/python tests/formats/make.py old
    new/bin/python tests/formats/make.py new

Data: 6 cells x 4 genes. Cells c0 ... c5; genes Gad1, Mbp, Aif1, Pdgfra; obs['celltype'] in every .h5ad file.
"""

import gzip
import os
import sys
import tempfile
import zipfile

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

HERE = os.path.dirname(os.path.abspath(__file__))
X = np.array(
    [[1, 0, 2, 0], [0, 3, 0, 0], [0, 0, 0, 100], [4, 5, 6, 7], [0, 0, 1, 0], [90, 0, 0, 1]], dtype="f4"
)
CELLS = ["c0", "c1", "c2", "c3", "c4", "c5"]
GENES = ["Gad1", "Mbp", "Aif1", "Pdgfra"]
TYPES = ["neuron", "glia", "glia", "neuron", "glia", "neuron"]
LOGGED = np.log1p(X)


def path(name):
    target = os.path.join(HERE, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    return target


def adata(x, **kwargs):
    obs = pd.DataFrame({"celltype": pd.Categorical(TYPES)}, index=CELLS)
    var = pd.DataFrame(index=GENES)
    return anndata.AnnData(x, obs=obs, var=var, **kwargs)


def write(name, data, **kwargs):
    data.write_h5ad(path(name), **kwargs)


def with_obs(column):
    data = adata(X)
    data.obs["celltype"] = column
    return data


def old():
    """anndata 0.7: categories of all columns in obs/__categories."""
    write("anndata07_dense.h5ad", adata(X))
    write("anndata07_csr.h5ad", adata(sp.csr_matrix(X)), compression="gzip")
    data = adata(LOGGED)
    data.raw = adata(X)
    write("anndata07_raw.h5ad", data)


def new():
    matrices()
    columns()
    places()
    tenx()
    tables()
    zarr_folders()


def matrices():
    write("dense.h5ad", adata(X))
    write("dense_lzf.h5ad", adata(X), compression="lzf")
    for dtype in ["i1", "u2", "i8", "f2", "f8", ">f4"]:
        name = f"dense_{dtype.replace('>', 'big_endian_')}.h5ad"
        raw_x(name, lambda f, dtype=dtype: f.create_dataset("X", data=X.astype(dtype)))
    raw_x("dense_chunked.h5ad", lambda f: f.create_dataset("X", data=X, chunks=(4, 3), compression="gzip", shuffle=True))
    import hdf5plugin

    for codec in ["blosclz", "lz4", "zlib", "zstd"]:
        options = hdf5plugin.Blosc(cname=codec)
        raw_x(f"dense_blosc_{codec}.h5ad", lambda f, o=options: f.create_dataset("X", data=X, chunks=(3, 4), **o))
    write("csr.h5ad", adata(sp.csr_matrix(X)))
    write("csr_gzip.h5ad", adata(sp.csr_matrix(X)), compression="gzip")
    write("csc.h5ad", adata(sp.csc_matrix(X)))
    sparse("csr_int64.h5ad", "csr", "i8")
    sparse("csr_uint32.h5ad", "csr", "u4")
    sparse("csc_int64.h5ad", "csc", "i8")
    sparse("csr_unsorted_duplicates.h5ad", "csr", "i4", muddle)


def raw_x(name, make):
    """An .h5ad file whose X is made by h5py."""
    write(name, adata(X))
    with h5py.File(path(name), "r+") as f:
        del f["X"]
        dataset = make(f)
        dataset.attrs["encoding-type"] = "array"
        dataset.attrs["encoding-version"] = "0.2.0"


def sparse(name, kind, dtype, change=lambda *parts: parts):
    matrix = sp.csr_matrix(X) if kind == "csr" else sp.csc_matrix(X)
    data, indices, indptr = change(matrix.data, matrix.indices, matrix.indptr)
    write(name, adata(X))
    with h5py.File(path(name), "r+") as f:
        del f["X"]
        group = f.create_group("X")
        group.attrs["encoding-type"] = kind + "_matrix"
        group.attrs["encoding-version"] = "0.1.0"
        group.attrs["shape"] = X.shape
        group["data"] = data
        group["indices"] = indices.astype(dtype)
        group["indptr"] = indptr.astype(dtype)


def muddle(data, indices, indptr):
    """Every row backwards, and every value above 1 as two entries."""
    new_data, new_indices, new_indptr = [], [], [0]
    for row in range(len(indptr) - 1):
        for entry in reversed(range(indptr[row], indptr[row + 1])):
            parts = [data[entry]] if data[entry] == 1 else [1, data[entry] - 1]
            new_data += parts
            new_indices += [indices[entry]] * len(parts)
        new_indptr.append(len(new_data))
    return np.array(new_data, "f4"), np.array(new_indices), np.array(new_indptr)


def columns():
    anndata.settings.allow_write_nullable_strings = False
    texts = {"convert_strings_to_categoricals": False}
    write("obs_categorical.h5ad", adata(X))
    write("obs_text.h5ad", with_obs(np.array(TYPES, dtype=object)), **texts)
    anndata.settings.allow_write_nullable_strings = True
    write("obs_nullable_text.h5ad", with_obs(pd.array(TYPES[:4] + [None] + TYPES[5:], dtype="string")), **texts)
    write("index_nullable_text.h5ad", adata(X))
    anndata.settings.allow_write_nullable_strings = None
    write("obs_missing_category.h5ad", with_obs(pd.Categorical(TYPES[:4] + [None] + TYPES[5:])))
    write("obs_single_category.h5ad", with_obs(pd.Categorical(["neuron"] * 6)))
    write("obs_boolean.h5ad", with_obs([t == "neuron" for t in TYPES]))
    write("obs_nullable_boolean.h5ad", with_obs(pd.array([True, False, None, True, False, True], dtype="boolean")))
    write("obs_integer.h5ad", with_obs(np.arange(6)))
    write("obs_nullable_integer.h5ad", with_obs(pd.array([1, 2, None, 1, 2, 1], dtype="Int64")))
    write("obs_float.h5ad", with_obs([1.5, 2.0, np.nan, 1.5, 2.0, 1.5]))
    numbered = adata(X)
    numbered.obs["celltype"] = pd.Categorical([2, 1, 1, 2, 1, 2])
    write("obs_categorical_of_numbers.h5ad", numbered)
    only_names = anndata.AnnData(X, obs=pd.DataFrame(index=CELLS), var=pd.DataFrame(index=GENES))
    write("obs_without_columns.h5ad", only_names)
    duplicate = adata(X)
    duplicate.obs_names = ["c0", "c1", "c1", "c3", "c3", "c3"]
    write("obs_duplicate_names.h5ad", duplicate)
    named = adata(X)
    named.obs.index.name = "barcode"
    write("index_by_attribute.h5ad", named)
    with_index("index_by_name.h5ad", np.array(CELLS, dtype=h5py.string_dtype()), attribute=False)
    with_index("index_fixed_ascii.h5ad", np.array(CELLS, dtype="S2"))
    with_index("index_fixed_utf8.h5ad", np.array([c.encode() for c in CELLS], dtype=h5py.string_dtype("utf-8", 4)))
    with_index("index_variable_ascii.h5ad", np.array(CELLS, dtype=h5py.string_dtype("ascii")))


def with_index(name, values, attribute=True):
    write(name, adata(X))
    with h5py.File(path(name), "r+") as f:
        del f["obs/_index"]
        if attribute:
            f["obs/_index"] = values
        else:
            f["obs/index"] = values
            del f["obs"].attrs["_index"]


def places():
    data = adata(sp.csr_matrix(LOGGED))
    data.layers["counts"] = sp.csr_matrix(X)
    data.layers["dense"] = X
    data.layers["by_genes"] = sp.csc_matrix(X)
    write("layers.h5ad", data)
    only_layer = adata(None)
    only_layer.layers["counts"] = sp.csr_matrix(X)
    write("layers_without_x.h5ad", only_layer)
    data = adata(LOGGED)
    data.raw = adata(sp.csr_matrix(X))
    data = data[:, :2].copy()
    write("raw.h5ad", data)


def tenx():
    """Cell Ranger's files: genes x cells by columns; version 3 also counts two antibodies."""
    csr = sp.csr_matrix(X.astype("i4"))
    antibodies = sp.csr_matrix(np.array([[9, 0], [0, 9], [9, 9], [0, 0], [1, 2], [3, 4]], dtype="i4"))
    both = sp.hstack([csr, antibodies]).tocsr()
    ids = [f"ENSG{n}" for n in range(4)]
    with h5py.File(path("tenx_v3.h5"), "w") as f:
        group = f.create_group("matrix")
        tenx_matrix(group, both)
        features = group.create_group("features")
        features["id"] = np.array(ids + ["CD3", "CD19"], "S")
        features["name"] = np.array(GENES + ["CD3_TotalSeq", "CD19_TotalSeq"], "S")
        features["feature_type"] = np.array(["Gene Expression"] * 4 + ["Antibody Capture"] * 2, "S")
        features["genome"] = np.array(["GRCh38"] * 4 + [""] * 2, "S")
        features["_all_tag_keys"] = np.array(["genome"], "S")
    with h5py.File(path("tenx_v2.h5"), "w") as f:
        group = f.create_group("GRCh38")
        tenx_matrix(group, csr)
        group["genes"] = np.array(ids, "S")
        group["gene_names"] = np.array(GENES, "S")
    for folder, zipped in [("mtx_v3", True), ("mtx_v2", False)]:
        matrix, names = (both, GENES + ["CD3_TotalSeq", "CD19_TotalSeq"]) if zipped else (csr, GENES)
        types = ["Gene Expression"] * 4 + ["Antibody Capture"] * 2
        rows = list(zip(ids + ["CD3", "CD19"], names, types))
        lines = ["\t".join(row if zipped else row[:2]) for row in rows[: len(names)]]
        text(f"{folder}/features.tsv.gz" if zipped else f"{folder}/genes.tsv", lines)
        text(f"{folder}/barcodes.tsv" + (".gz" if zipped else ""), CELLS)
        text(f"{folder}/matrix.mtx" + (".gz" if zipped else ""), mtx_lines(matrix.T.tocsc()))
    text("mtx_prefix/GSM1_genes.tsv", [f"{i}\t{g}" for i, g in zip(ids, GENES)])
    text("mtx_prefix/GSM1_barcodes.tsv", CELLS)
    text("mtx_prefix/GSM1_matrix.mtx", mtx_lines(csr.T.tocsc()))
    text("mtx_cells_by_genes/cells_x_genes.genes.txt", GENES)
    text("mtx_cells_by_genes/cells_x_genes.barcodes.txt", CELLS)
    text("mtx_cells_by_genes/cells_x_genes.mtx", mtx_lines(csr.tocsc()))


def tenx_matrix(group, csr):
    group["barcodes"] = np.array(CELLS, "S")
    group["data"] = csr.data
    group["indices"] = csr.indices.astype("i8")
    group["indptr"] = csr.indptr.astype("i8")
    group["shape"] = np.array([csr.shape[1], csr.shape[0]], "i4")


def mtx_lines(csc):
    lines = ["%%MatrixMarket matrix coordinate integer general", '%metadata_json: {"format_version": 2}']
    coo = csc.tocoo()
    lines.append(f"{coo.shape[0]} {coo.shape[1]} {coo.nnz}")
    return lines + [f"{r + 1} {c + 1} {v}" for r, c, v in zip(coo.row, coo.col, coo.data)]


def tables():
    by_cells = pd.DataFrame(X.astype(int), index=CELLS, columns=GENES)
    by_cells.to_csv(path("cells_by_genes.csv"))
    by_cells.T.to_csv(path("genes_by_cells.tsv"), sep="\t", index_label="gene")
    text("cells_by_genes.csv.gz", by_cells.to_csv().splitlines())
    by_cells.to_csv(path("semicolons.txt"), sep=";")
    # As R's write.table: blanks, quotes, no title above the names.
    lines = [" ".join(f'"{g}"' for g in GENES)]
    lines += [f'"{c}" ' + " ".join(str(int(v)) for v in row) for c, row in zip(CELLS, X)]
    text("write_table.txt", lines)
    baron = by_cells.copy()
    baron.insert(0, "barcode", ["AC"] * 6)
    baron.insert(1, "assigned_cluster", TYPES)
    baron.to_csv(path("baron.csv"))
    with zipfile.ZipFile(path("baron.zip"), "w") as archive:
        archive.writestr(zipfile.ZipInfo("baron.csv"), baron.to_csv())
    with h5py.File(path("xy.h5"), "w") as f:
        f["X"] = X.astype("f8")
        f["Y"] = np.array(TYPES, "S")


def zarr_folders():
    """Zarr of both versions, zipped so that each is one file; version 3 also in shards. Every kind of column is in obs."""
    obs = pd.DataFrame({"celltype": pd.Categorical(TYPES)}, index=CELLS)
    obs["text"] = np.array(TYPES, dtype=object)
    obs["nullable_text"] = pd.array([None if t == "glia" else t for t in TYPES], dtype="string")
    obs["missing_category"] = pd.Categorical([None if t == "glia" else t for t in TYPES])
    obs["boolean"] = [t == "glia" for t in TYPES]
    obs["nullable_boolean"] = pd.array([True, None, False, True, False, True], dtype="boolean")
    obs["integer"] = np.arange(6)
    obs["nullable_integer"] = pd.array([1, 2, None, 1, 2, 1], dtype="Int64")
    obs["float"] = [1.5, 2, np.nan, 1.5, 2, 1.5]
    layers = {"dense": X, "csc": sp.csc_matrix(X), "dense_f8": np.asfortranarray(X.astype("f8"))}
    data = anndata.AnnData(sp.csr_matrix(X), obs=obs, var=pd.DataFrame(index=GENES), layers=layers)
    data.raw = data.copy()
    for name, version, sharded in [("zarr_v2", 2, False), ("zarr_v3", 3, False), ("zarr_v3_sharded", 3, True)]:
        anndata.settings.zarr_write_format = version
        anndata.settings.auto_shard_zarr_v3 = sharded
        anndata.settings.allow_write_nullable_strings = True
        with tempfile.TemporaryDirectory() as folder:
            data.write_zarr(folder, chunks=(4, 4))
            with zipfile.ZipFile(path(f"{name}.zarr.zip"), "w") as archive:
                for place, _, files in sorted(os.walk(folder)):
                    for file in sorted(files):
                        whole = os.path.join(place, file)
                        info = zipfile.ZipInfo(os.path.join(f"{name}.zarr", os.path.relpath(whole, folder)))
                        with open(whole, "rb") as opened:
                            archive.writestr(info, opened.read(), zipfile.ZIP_DEFLATED)


def text(name, lines):
    content = ("\n".join(lines) + "\n").encode()
    with open(path(name), "wb") as f:
        f.write(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)


if __name__ == "__main__":
    {"old": old, "new": new}[sys.argv[1]]()
