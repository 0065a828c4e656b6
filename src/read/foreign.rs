//! Files of formats that are not read, told by how they start, and the command that goes on from there.

use std::{borrow::Cow, path::Path};

/// What a file is, and what to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// `an R object (.rds)`
    pub what: &'static str,
    /// The next step.
    pub next: String,
}

/// Where the signature of a tar archive lies.
const TAR: std::ops::Range<usize> = 257..262;

/// How a file of a format begins, and what the format is called.
type Signature = (&'static [u8], &'static str);

/// Written by R: `saveRDS`, then `save`; binary or as text, of version 2 or 3.
const R_OBJECTS: [&[u8]; 3] = [b"X\n\0\0", b"A\n2\n", b"A\n3\n"];
const R_WORKSPACES: [&[u8]; 4] = [b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n"];

/// Packed files, with the command that unpacks them.
const PACKED: [(Signature, &str); 5] = [
    ((b"BZh", "compressed with bzip2"), "bunzip2"),
    ((b"\xfd7zXZ\0", "compressed with xz"), "unxz"),
    ((b"\x28\xb5\x2f\xfd", "compressed with zstd"), "unzstd"),
    ((b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"), "7z x"),
    ((b"Rar!", "a RAR archive"), "unrar x"),
];

/// Files of other programs, with what is to be done in these.
const OF_PROGRAMS: [(Signature, &str); 3] = [
    ((b"%PDF", "a PDF"), "name the file of counts instead"),
    (
        (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)"),
        "save the sheet of counts as CSV",
    ),
    ((b"MATLAB 5.0", "a MATLAB file"), "save the counts as CSV"),
];

/// Tables, with the function of pandas that reads them.
const OF_PANDAS: [(Signature, &str); 7] = [
    ((b"PAR1", "a Parquet table"), "read_parquet"),
    ((b"ARROW1", "a Feather table"), "read_feather"),
    ((b"FEA1", "a Feather table"), "read_feather"),
    ((b"\x80\x02", "a Python pickle"), "read_pickle"),
    ((b"\x80\x03", "a Python pickle"), "read_pickle"),
    ((b"\x80\x04", "a Python pickle"), "read_pickle"),
    ((b"\x80\x05", "a Python pickle"), "read_pickle"),
];

/// Names what starts with `head` (unpacked, where it was compressed with gzip), if it is known and not read here.
pub(super) fn of(path: &Path, head: &[u8]) -> Option<Foreign> {
    of_r(path, head)
        .or_else(|| of_text(path, head))
        .or_else(|| of_archive(path, head))
        .or_else(|| of_table(path, head))
}

/// The format of a table that `head` starts as, with what belongs to it.
fn known(table: &[(Signature, &'static str)], head: &[u8]) -> Option<(&'static str, &'static str)> {
    let mut rows = table.iter();
    let &((_, what), with) = rows.find(|((signature, _), _)| head.starts_with(signature))?;
    Some((what, with))
}

fn of_r(path: &Path, head: &[u8]) -> Option<Foreign> {
    let (file, stem) = (path.display(), stem(path));
    let starts_as = |signatures: &[&[u8]]| signatures.iter().any(|start| head.starts_with(start));
    let (what, read) = if starts_as(&R_OBJECTS) {
        ("an R object (.rds)", format!("readRDS(\"{file}\")"))
    } else if starts_as(&R_WORKSPACES) {
        let load = format!("get(load(\"{file}\")[1])");
        ("an R workspace (.RData)", load)
    } else {
        return None;
    };
    let next = from_r(&read, &stem);
    Some(Foreign { what, next })
}

/// Text that came in the place of data.
fn of_text(path: &Path, head: &[u8]) -> Option<Foreign> {
    let text = String::from_utf8_lossy(&head[..head.len().min(256)]).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let (what, next) = if text.starts_with("<!doctype html") || text.starts_with("<html") {
        let next = "the download went wrong or needs a login; download the data again";
        ("a web page (HTML)", next.to_owned())
    } else if text.starts_with("<?xml") {
        let next = "download the data again";
        ("XML, as a server sends with an error", next.to_owned())
    } else if text.starts_with("version https://git-lfs.github.com/spec/") {
        let include = format!("git lfs pull --include \"{}\"", path.display());
        let next = format!("fetch the data that it stands for: {include}");
        ("a Git LFS pointer, not the data", next)
    } else {
        return None;
    };
    Some(Foreign { what, next })
}

fn of_archive(path: &Path, head: &[u8]) -> Option<Foreign> {
    let file = path.display();
    if head.get(TAR) == Some(b"ustar") {
        return Some(Foreign {
            what: "a tar archive",
            next: format!("unpack it, and name what is inside: tar -xf \"{file}\""),
        });
    }
    let (what, command) = known(&PACKED, head)?;
    let next = format!("unpack it: {command} \"{file}\"");
    Some(Foreign { what, next })
}

fn of_table(path: &Path, head: &[u8]) -> Option<Foreign> {
    if head.starts_with(b"\x93NUMPY") {
        let next = format!(
            "write it as .h5ad in Python: import anndata, numpy; anndata.AnnData(numpy.load(\"{}\")).write_h5ad(\"{}.h5ad\")",
            path.display(),
            stem(path)
        );
        let what = "a NumPy array";
        return Some(Foreign { what, next });
    }
    if let Some((what, read)) = known(&OF_PANDAS, head) {
        let next = from_pandas(read, path);
        return Some(Foreign { what, next });
    }
    let (what, next) = known(&OF_PROGRAMS, head)?;
    let next = next.to_owned();
    Some(Foreign { what, next })
}

/// The name of a file or folder without its last ending.
fn stem(path: &Path) -> Cow<'_, str> {
    path.file_stem().unwrap_or_default().to_string_lossy()
}

/// Names what is inside a zip archive, by the names of its files.
pub(super) fn of_zip(path: &Path, inside: &[String]) -> Option<Foreign> {
    let has = |name: &str| inside.iter().any(|found| found.ends_with(name));
    let file = path.display();
    if has("xl/workbook.xml") {
        return Some(Foreign {
            what: "an Excel workbook (.xlsx)",
            next: "save the sheet of counts as CSV".to_owned(),
        });
    }
    if has(".npy") {
        let next = format!(
            "write it as .h5ad in Python: import anndata, scipy.sparse; \
             anndata.AnnData(scipy.sparse.load_npz(\"{file}\")).write_h5ad(\"new.h5ad\")"
        );
        return Some(Foreign {
            what: "NumPy or SciPy arrays (.npz)",
            next,
        });
    }
    if has(".mtx") || has(".mtx.gz") {
        let folder = stem(path);
        return Some(Foreign {
            what: "a zip archive of a folder",
            next: format!("unpack it, and name the folder: unzip \"{file}\" -d \"{folder}\""),
        });
    }
    None
}

fn from_r(read: &str, stem: &str) -> String {
    format!(
        "write its counts from R: DropletUtils::write10xCounts(\"{stem}\", SeuratObject::GetAssayData({read}, layer = \
         \"counts\")) of a Seurat object, SingleCellExperiment::counts({read}) of a SingleCellExperiment; then name \
         the folder {stem}"
    )
}

fn from_pandas(read: &str, path: &Path) -> String {
    let stem = stem(path);
    format!(
        "write it as CSV in Python: import pandas; pandas.{read}(\"{}\").to_csv(\"{stem}.csv\")",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_for_what_they_are() {
        let mut tar = vec![0; 512];
        tar[TAR].copy_from_slice(b"ustar");
        let cases: [(&[u8], &str, &str); 8] = [
            (b"X\n\0\0\0\x03", "R object", "readRDS(\"d/x.dat\")"),
            (b"RDX3\nX\n", "R workspace", "load(\"d/x.dat\")"),
            (&tar, "tar", "tar -xf"),
            (b"\n<!DOCTYPE HTML><html>", "web page", "download"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "Git LFS",
                "git lfs pull",
            ),
            (b"\xfd7zXZ\0", "xz", "unxz"),
            (b"PAR1", "Parquet", "read_parquet"),
            (b"\x80\x05\x95", "pickle", "read_pickle"),
        ];
        for (head, what, next) in cases {
            let found = of(Path::new("d/x.dat"), head).expect(what);
            assert!(found.what.contains(what), "{found:?}");
            assert!(found.next.contains(next), "{found:?}");
        }
        assert_eq!(of(Path::new("x"), b"gene,c0\n"), None);
        assert_eq!(of(Path::new("x"), b""), None);
    }
}
