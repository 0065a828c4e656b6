"""Tools, as scanpy calls them: functions that add results to an AnnData."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata
import numpy

from ._run import run

if TYPE_CHECKING:
    from os import PathLike

    import pandas
    from anndata import AnnData

__all__ = ["annotate", "cluster"]

#: The name of the temporary data set, and of what the program calls its results.
NAME, KEY = "cells", "attentionae"
#: What the program may add to ``obs`` and to ``obsm`` besides: removed before new results come, so that all are of one run.
OBS, OBSM = ("", "_fine", "_confidence"), ("", "_umap")
#: Columns of ``var`` with symbols or ids of genes.
GENE_NAMES = ("feature_name", "gene_symbols", "gene_symbol", "gene_name", "gene_names", "gene_short_name", "symbol")
GENE_NAMES += ("gene_ids", "gene_id", "ensembl_id", "ensembl", "feature_id", "ensembl_gene_id")
#: Columns of ``var`` with what a feature is, and of which genome: by default the program reads genes only.
FEATURES = ("feature_types", "feature_type", "genome", "genomes")
#: Options about the files that are read and written, which is decided here.
RESERVED = ("name", "data_dir", "output_name", "output_dir", "overwrite", "table_format", "figure_format", "n_markers")
RESERVED += ("save_h5ad", "save_pred_label", "save_embedding", "save_tree", "save_model_para", "save_markers", "save_report")
#: The column of true labels by default, and the words for it and for none that the program takes in place of a column.
CELLTYPE, KNOWN, UNKNOWN = "celltype", ("known", "true", "1", "yes"), ("unknown", "false", "0", "no")


def cluster(
    adata: AnnData,
    resolution: float | str | None = None,
    *,
    batch_key: str | list[str] | None = None,
    layer: str | None = None,
    key_added: str = KEY,
    **options: Any,
) -> None:
    """Finds the cell types of ``adata`` and adds them to it.

    Parameters
    ----------
    adata
        Cells × genes. ``adata.X``, or the layer, must hold raw counts.
    resolution
        ``"auto"``, a tree of fine clusters that is cut where the evidence ends, or Leiden's resolution. If it is left out:
        ``"auto"``, and 1.0 with ``preset="published"``.
    batch_key
        Column of ``adata.obs`` that tells batches apart, or several of them.
    layer
        Layer that holds the raw counts, instead of ``X``.
    key_added
        Name of the results.
    options
        Any other option of ``attentionae-sc --help-all``, under its name there: ``n_hvg=2000``, ``preset="published"``,
        ``seed=7``, ``threads=4``, ``cuda=False``, ``save_umap=True`` for ``obsm["X_attentionae_umap"]``, ``quiet=True``,
        ``celltype="cell_type"`` to score against a column of ``adata.obs``, ``use_raw=True`` to read ``adata.raw``,
        ``within="cell_type=neuron"`` to cluster these cells only. No files are kept: for a model, a report or a table of marker
        genes, run ``attentionae-sc`` on a file that ``adata.write_h5ad`` wrote.

    Returns
    -------
    Nothing. As ``-save_h5ad True`` of the program, with ``key_added`` in place of ``attentionae``:

    ``adata.obs[key_added]``
        Cluster of every cell, categorical; missing for cells that are left out, such as those without counts.
    ``adata.obs[key_added + "_fine"]``, ``adata.obs[key_added + "_confidence"]``
        With ``resolution="auto"``: the finest cluster with any support, categorical; how sure the cluster is, from 0 to 1.
    ``adata.obsm["X_" + key_added]``
        Embedding, ``float32``; NaN for cells that are left out.
    ``adata.obsm["X_" + key_added + "_umap"]``
        With ``save_umap=True``: places in two dimensions.
    ``adata.uns[key_added]``
        Version, seed, parameters, scores, and the tree.

    Raises
    ------
    attentionae_sc.UsageError
        An option is unknown or its value refused; it is a ``ValueError`` too.
    attentionae_sc.ProgramError
        The program failed. The message is the program's. Where memory was too little, it is a ``MemoryError`` too.
    KeyError
        ``adata`` lacks the layer, or a column of ``obs`` that an option names.

    Examples
    --------
    >>> import attentionae_sc
    >>> attentionae_sc.tl.cluster(adata, layer="counts")  # doctest: +SKIP
    >>> sc.pl.embedding(adata, "X_attentionae_umap", color="attentionae")  # doctest: +SKIP
    """
    _refuse_reserved("cluster", options)
    options = {"resolution": resolution, "batch_key": batch_key, "layer": layer, **options}
    with tempfile.TemporaryDirectory(prefix="attentionae-sc-") as folder:
        path = _written(adata, options, folder)
        run(["-name", path, *_arguments(options), *_outputs(folder, ("pred_label", "embedding", "tree"))])
        found = _read(folder)
    _add(found, adata, key_added)


def annotate(
    adata: AnnData,
    model: str | PathLike[str],
    label_by: str = "cluster",
    *,
    names: Mapping[Any, str] | str | PathLike[str] | None = None,
    batch_key: str | list[str] | None = None,
    layer: str | None = None,
    key_added: str = KEY,
    **options: Any,
) -> None:
    """Labels the cells of ``adata`` with a trained model and adds the labels to it.

    Parameters
    ----------
    adata
        Cells × genes. ``adata.X``, or the layer, must hold raw counts. Genes are found by their names, symbols or ids, in any order.
    model
        The file ``model_save/NAME.safetensors`` of a run with ``-save_model_para True``.
    label_by
        ``"cluster"``, the clusters of the training data, or ``"celltype"``, the cell types that these were labelled with.
    names
        Names of clusters: a mapping such as ``{0: "B cells"}``, or a table of ``cluster,name``.
    batch_key
        Column of ``adata.obs`` with the batch of each cell, or several of them. Cells of a batch of the model are corrected as its
        cells were.
    layer
        Layer that holds the raw counts, instead of ``X``.
    key_added
        Name of the results.
    options
        Any other option of ``attentionae-sc annotate --help``, under its name there: ``min_counts=500``, ``threads=4``,
        ``save_umap=True`` for ``obsm["X_attentionae_umap"]``, ``celltype="cell_type"`` to score, ``quiet=True``.

    Returns
    -------
    Nothing. As ``-save_h5ad True`` of the program, with ``key_added`` in place of ``attentionae``:

    ``adata.obs[key_added]``
        Label of every cell, categorical; ``unassigned`` for cells far from all that the model knows, missing for cells without
        counts.
    ``adata.obs[key_added + "_confidence"]``
        How sure the label is, from 0 to 1.
    ``adata.obsm["X_" + key_added]``
        Embedding, ``float32``, in the space of the model; NaN for cells without counts.
    ``adata.obsm["X_" + key_added + "_umap"]``
        With ``save_umap=True``: places in two dimensions.
    ``adata.uns[key_added]``
        Versions, the model and scores.

    Raises
    ------
    attentionae_sc.UsageError, attentionae_sc.ProgramError, KeyError
        As of :func:`cluster`.

    Examples
    --------
    >>> attentionae_sc.tl.annotate(adata, "model_save/first.safetensors", "celltype")  # doctest: +SKIP
    """
    _refuse_reserved("annotate", options)
    options = {"label_by": label_by, "batch_key": batch_key, "layer": layer, **options}
    with tempfile.TemporaryDirectory(prefix="attentionae-sc-") as folder:
        if isinstance(names, Mapping):
            table = Path(folder, "names.csv")
            with table.open("w", newline="") as file:
                csv.writer(file).writerows([("cluster", "name"), *names.items()])
            names = table
        path = _written(adata, options, folder)
        options |= {"names": names, "model": model}
        run(["annotate", path, *_arguments(options), *_outputs(folder, ("pred_label", "embedding"))])
        found = _read(folder)
    _add(found, adata, key_added)


def _refuse_reserved(function: str, options: dict[str, Any]) -> None:
    reserved = ", ".join(name for name in options if name in RESERVED)
    if reserved:
        files = "for files, run the command attentionae-sc on one that adata.write_h5ad wrote"
        raise TypeError(f"{function}() adds its results to adata and keeps no files: leave out {reserved}; {files}")


def _written(adata: AnnData, options: dict[str, Any], folder: str) -> str:
    """The path of a file in ``folder`` of what the program will read."""
    path = Path(folder, f"{NAME}.h5ad")
    _what_is_read(adata, options).write_h5ad(path)
    return str(path)


def _read(folder: str) -> AnnData:
    """The copy with the results in it."""
    return anndata.read_h5ad(Path(folder, "h5ad", f"{NAME}.h5ad"))


def _what_is_read(adata: AnnData, options: dict[str, Any]) -> AnnData:
    """The part of ``adata`` that the program will read: one matrix of counts, the names, and the columns that options name."""
    obs = _about_cells(adata.obs, options)
    layer, use_raw = options["layer"], options.get("use_raw", False)
    if layer is not None and layer not in adata.layers:
        there = ", ".join(map(str, adata.layers)) or "none"
        raise KeyError(f"there is no layer {layer!r} in adata; its layers: {there}")
    if use_raw and adata.raw is None:
        raise ValueError("use_raw=True, but adata.raw is None")
    if layer is None and not use_raw:
        return anndata.AnnData(adata.X, obs=obs, var=_about_genes(adata.var))
    read = anndata.AnnData(obs=obs, var=_about_genes(adata.var))
    if use_raw:
        read.raw = adata.raw.to_adata()
    else:
        read.layers[layer] = adata.layers[layer]
    return read


def _about_cells(obs: pandas.DataFrame, options: dict[str, Any]) -> pandas.DataFrame:
    """The columns that options name, and that of true labels where there is one and they are not declined."""
    there = list(obs.columns)
    named = [*_batch_columns(options, there), *_within_columns(options, there), *_label_columns(options, there)]
    for column in named:
        if column not in there:
            raise KeyError(f"there is no column {column!r} in adata.obs; its columns: {', '.join(map(str, there)) or 'none'}")
    return obs[[column for column in there if column in named]].infer_objects().apply(_writable)


def _batch_columns(options: dict[str, Any], there: list[Any]) -> list[str]:
    """Those of ``batch_key``, whose commas stand between columns or, where these are not there, in the name of one."""
    batch_key = options["batch_key"] or []
    columns = batch_key.split(",") if isinstance(batch_key, str) else map(str, batch_key)
    columns = [column.strip() for column in columns if column.strip()]
    whole = ",".join(columns)
    return [whole] if whole in there and not set(columns) <= set(there) else columns


def _within_columns(options: dict[str, Any], there: list[Any]) -> list[str]:
    """That of ``within``, up to the first ``=`` that such a column ends at; none where the program refuses the value."""
    parts = str(options.get("within")).split("=")
    columns = ["=".join(parts[:end]).strip() for end in range(1, len(parts))]
    found = [column for column in columns if column in there] or [column for column in columns if column]
    return found[:1]


def _label_columns(options: dict[str, Any], there: list[Any]) -> list[str]:
    """That of ``celltype``, or by default ``obs["celltype"]`` where there is one."""
    celltype = options.get("celltype")
    # The program tells its words by their small letters.
    word = "auto" if celltype is None else str(celltype).lower()
    if word in ("", *UNKNOWN) or (word == "auto" and CELLTYPE not in there):
        return []
    return [CELLTYPE if word in ("auto", *KNOWN) else str(celltype)]


def _writable(column: pandas.Series) -> pandas.Series:
    """Numbers as they are; all else, such as dates, as text, since anndata writes no other. Missing values stay missing."""
    kind = getattr(column.dtype, "categories", column).dtype
    if isinstance(kind, numpy.dtype) and kind.kind in "biuf":
        return column
    return column.astype(str).mask(column.isna()).astype("category")


def _about_genes(var: pandas.DataFrame) -> pandas.DataFrame:
    """The columns that name genes too, by which those of a model can be found, and those that say which features are genes."""
    about = var[[column for column in var.columns if column in (*GENE_NAMES, *FEATURES)]]
    return about.astype(str).mask(about.isna(), "")


def _arguments(options: dict[str, Any]) -> list[str]:
    """Options as the command line takes them: lists with commas, those that are None left out."""
    words = []
    for name, value in options.items():
        if value is not None:
            is_list = isinstance(value, (list, tuple))
            words += [f"-{name}", ",".join(map(str, value)) if is_list else str(value)]
    return words


def _outputs(folder: str, others: tuple[str, ...]) -> list[str]:
    """Only the copy with the results in it, in place of earlier ones that options may name, and none of the others."""
    off = [word for name in others for word in (f"-save_{name}", "False")]
    return ["-output_dir", folder, "-save_h5ad", "True", "-overwrite", "True", *off]


def _add(found: AnnData, adata: AnnData, key: str) -> None:
    """Moves the results, whose cells are in the same order, into ``adata``."""
    for suffix in OBS:
        if key + suffix in adata.obs:
            del adata.obs[key + suffix]
        if KEY + suffix in found.obs:
            adata.obs[key + suffix] = found.obs[KEY + suffix].array
    for suffix in OBSM:
        adata.obsm.pop(f"X_{key}{suffix}", None)
        if f"X_{KEY}{suffix}" in found.obsm:
            adata.obsm[f"X_{key}{suffix}"] = found.obsm[f"X_{KEY}{suffix}"]
    adata.uns[key] = found.uns[KEY]
