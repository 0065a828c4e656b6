"""Finds cell types in single-cell RNA-seq data: the program ``attentionae-sc``, called from Python.

``attentionae_sc.tl.cluster(adata)`` clusters the cells of an AnnData; ``attentionae_sc.tl.annotate(adata, model)`` labels new cells
with a trained model.
"""

from typing import Any

from ._errors import OutOfMemoryError, ProgramError, UsageError

__all__ = ["OutOfMemoryError", "ProgramError", "UsageError", "__version__", "tl"]


def __getattr__(name: str) -> Any:
    """What takes time to import, once it is asked for: the command line needs none of it."""
    if name == "tl":
        from importlib import import_module

        return import_module(".tl", __name__)
    if name == "__version__":
        from importlib.metadata import version

        return version("attentionae-sc")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
