//! The format of an input, told by its content.

use std::{fmt, fs::File, io::Read, path::Path};

use super::{
    ReadError, alevin, foreign,
    lines::MTX_BANNER,
    mtx_folder,
    packing::{self, Packing},
    zarr::{is_zarr, is_zarr_inside},
};
use crate::{
    atomic::Scratch,
    h5ad::{Element, Group, H5adError, open_hdf5},
};

/// How much of a file is looked at.
const HEAD: u64 = 1 << 12;
/// How many files of a folder a message lists.
const MOST_LISTED: usize = 10;
/// How an HDF5 file starts.
const HDF5_SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// AnnData on HDF5.
    H5ad,
    /// AnnData in the Zarr format, version 2 or 3: a folder, or a zip archive of one.
    Zarr,
    /// MuData on HDF5, of which one modality is AnnData with the counts of genes.
    H5mu,
    /// Loom, genes × cells on HDF5.
    Loom,
    /// Cell Ranger's feature-barcode matrix on HDF5, version 2 or 3.
    TenxH5,
    /// A dataset `X` of counts and a dataset `Y` of labels on HDF5.
    XyH5,
    /// A `.mtx` file beside barcodes and features, as Cell Ranger writes it, or its folder.
    Mtx,
    /// The binary matrix of alevin, with the files of its names, or its folder.
    Alevin,
    /// A table of text: CSV, TSV or the like.
    Table,
    /// Several inputs in any of these formats.
    Joined,
}

/// `an .h5ad file`
impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::H5ad => "an .h5ad file",
            Self::Zarr => "a .zarr folder",
            Self::H5mu => "an .h5mu file",
            Self::Loom => "a .loom file",
            Self::TenxH5 => "a 10x .h5 file",
            Self::XyH5 => "an .h5 file of X and Y",
            Self::Mtx => "an .mtx matrix",
            Self::Alevin => "alevin's matrix",
            Self::Table => "a table",
            Self::Joined => "several files",
        })
    }
}

impl Format {
    /// Whether the counts lie in AnnData's layout.
    pub(super) fn is_anndata(self) -> bool {
        matches!(self, Self::H5ad | Self::H5mu | Self::Zarr)
    }

    /// The format of a file or a folder, and the unpacked copy of an HDF5 file that is compressed or in an archive. Names decide
    /// nothing but this: what is called `.h5ad` or the like has to be HDF5, so that a download that failed is not taken for a
    /// table.
    pub(super) fn of(path: &Path) -> Result<(Self, Option<Scratch>), ReadError> {
        if let Some(format) = Self::of_unpacked(path)? {
            return Ok((format, None));
        }
        let unpacked = packing::unpack_hdf5(path)?;
        Ok((Self::of_hdf5(unpacked.path(), path)?, Some(unpacked)))
    }

    /// The format of what need not be unpacked to tell it; `None` for HDF5 that is compressed or in an archive.
    fn of_unpacked(path: &Path) -> Result<Option<Self>, ReadError> {
        if path.is_dir() && is_zarr(path) {
            return Ok(Some(Self::Zarr));
        }
        if alevin::matrix_at(path).is_some() {
            return Ok(Some(Self::Alevin));
        }
        if path.is_dir() {
            return match mtx_folder::find_in(path)? {
                Some(_) => Ok(Some(Self::Mtx)),
                None => Err(ReadError::NoMatrix {
                    path: path.to_owned(),
                    found: inputs_in(path),
                }),
            };
        }
        if !path.exists() {
            return Self::of_hdf5(path, path).map(Some);
        }
        if !path.is_file() {
            return Err(H5adError::NotAFile {
                path: path.to_owned(),
            }
            .into());
        }
        let (mut file, packing) = packing::open(path)?;
        let head = match packing {
            Packing::Zip => return Self::of_zip(path, file),
            Packing::Plain => head(&mut file),
            Packing::Gzip => head(&mut packing::gunzip(file)),
        };
        let head = head.map_err(|source| packing::unreadable(path, source))?;
        if let Some(foreign) = foreign::of(path, &head) {
            return Err(ReadError::Foreign {
                path: path.to_owned(),
                foreign,
            });
        }
        let is_hdf5_by_name = path.extension().is_some_and(|ending| {
            ending == "h5ad" || ending == "h5" || ending == "h5mu" || ending == "loom"
        });
        if packing == Packing::Gzip && head.starts_with(HDF5_SIGNATURE) {
            Ok(None)
        } else if head.starts_with(MTX_BANNER) && !is_hdf5_by_name {
            Ok(Some(Self::Mtx))
        } else if is_text(&head) && !is_hdf5_by_name {
            Ok(Some(Self::Table))
        } else {
            Self::of_hdf5(path, path).map(Some)
        }
    }

    fn of_zip(path: &Path, file: File) -> Result<Option<Self>, ReadError> {
        let archive = packing::open_zip(path, file)?;
        let inside: Vec<String> = archive.file_names().map(str::to_owned).collect();
        if is_zarr_inside(&inside) {
            return Ok(Some(Self::Zarr));
        }
        if packing::names_inside(path, &archive, packing::HDF5).is_ok() {
            return Ok(None);
        }
        if let Some(foreign) = foreign::of_zip(path, &inside) {
            return Err(ReadError::Foreign {
                path: path.to_owned(),
                foreign,
            });
        }
        packing::names_inside(path, &archive, packing::TABLES).map(|_| Some(Self::Table))
    }

    /// The format of the HDF5 file at `path`, which messages call `shown`.
    fn of_hdf5(path: &Path, shown: &Path) -> Result<Self, ReadError> {
        let root = open_hdf5(path, shown)?;
        let names = root.names()?;
        let has = |name: &str| names.iter().any(|found| found == name);
        if has("mod") {
            Ok(Self::H5mu)
        } else if has("matrix") && has("row_attrs") && has("col_attrs") {
            Ok(Self::Loom)
        } else if has("obs") || has("var") || has("layers") {
            Ok(Self::H5ad)
        } else if is_tenx(&root, &names)? {
            Ok(Self::TenxH5)
        } else if has("X") {
            match root.get("X")? {
                Some(Element::Array(_)) => Ok(Self::XyH5),
                _ => Ok(Self::H5ad),
            }
        } else {
            Err(unknown(shown, names))
        }
    }
}

/// The first files of a folder, and folders in it, that may be inputs.
fn inputs_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_input = |name: &String| {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let ending = Path::new(plain)
            .extension()
            .unwrap_or_default()
            .to_string_lossy();
        let is_known = [
            "h5ad", "h5", "h5mu", "loom", "mtx", "csv", "tsv", "txt", "zip", "zarr",
        ];
        is_known.contains(&&*ending) || folder.join(name).is_dir()
    };
    let mut names: Vec<String> = names.filter(is_input).collect();
    names.sort();
    names.truncate(MOST_LISTED);
    names
}

fn head(reader: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// Text has neither zero bytes nor other control characters than tabs and line ends, unless it is UTF-16 and says so.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let is_printable = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n');
    !head.is_empty() && head.iter().all(is_printable)
}

/// Version 3 has a group `matrix`, version 2 a group for each genome; either with `barcodes`.
fn is_tenx(root: &Group, names: &[String]) -> Result<bool, H5adError> {
    for name in names {
        if let Some(Element::Group(group)) = root.get(name)?
            && group.get("barcodes")?.is_some()
            && group.get("indptr")?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Other formats on HDF5 are told how they become `.h5ad`.
fn unknown(shown: &Path, found: Vec<String>) -> ReadError {
    let has = |name: &str| found.iter().any(|found| found == name);
    let advice = if has("assays") {
        "; it seems to be an h5Seurat file: convert it in R, SeuratDisk::Convert(FILE, dest = \"h5ad\")"
    } else {
        ""
    };
    ReadError::UnknownHdf5 {
        path: shown.to_owned(),
        found,
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_binary() {
        assert!(is_text("gene,βcell\r\n\"a\"\t1".as_bytes()));
        assert!(!is_text(b""));
        assert!(!is_text(b"\x89PNG\r\n\x1a\n"));
        assert!(!is_text(b"a\0b"));
        assert!(is_text(b"\xff\xfea\0,\0"));
    }
}
