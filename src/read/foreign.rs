//! Files of formats that are not read, told by how they start, and the command that goes on from there.

use std::path::Path;

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

/// Names what starts with `head` (unpacked, where it was compressed with gzip), if it is known and not read here.
pub(super) fn of(path: &Path, head: &[u8]) -> Option<Foreign> {
    let file = path.display();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let starts = |signature: &[u8]| head.starts_with(signature);
    let text = String::from_utf8_lossy(&head[..head.len().min(256)]).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let (what, next) = if starts(b"X\n\0\0") || starts(b"A\n2\n") || starts(b"A\n3\n") {
        (
            "an R object (.rds)",
            from_r(&format!("readRDS(\"{file}\")"), &stem),
        )
    } else if [&b"RDX2\n"[..], b"RDX3\n", b"RDA2\n", b"RDA3\n"]
        .iter()
        .any(|s| starts(s))
    {
        let load = format!("get(load(\"{file}\")[1])");
        ("an R workspace (.RData)", from_r(&load, &stem))
    } else if head.get(TAR) == Some(b"ustar") {
        let next = format!("unpack it, and name what is inside: tar -xf \"{file}\"");
        ("a tar archive", next)
    } else if text.starts_with("<!doctype html") || text.starts_with("<html") {
        let next = "the download went wrong or needs a login; download the data again".to_owned();
        ("a web page (HTML)", next)
    } else if text.starts_with("<?xml") {
        (
            "XML, as a server sends with an error",
            "download the data again".to_owned(),
        )
    } else if text.starts_with("version https://git-lfs.github.com/spec/") {
        let next = format!("fetch the data that it stands for: git lfs pull --include \"{file}\"");
        ("a Git LFS pointer, not the data", next)
    } else if starts(b"BZh") {
        (
            "compressed with bzip2",
            format!("unpack it: bunzip2 \"{file}\""),
        )
    } else if starts(b"\xfd7zXZ\0") {
        ("compressed with xz", format!("unpack it: unxz \"{file}\""))
    } else if starts(b"\x28\xb5\x2f\xfd") {
        (
            "compressed with zstd",
            format!("unpack it: unzstd \"{file}\""),
        )
    } else if starts(b"7z\xbc\xaf\x27\x1c") {
        ("a 7-Zip archive", format!("unpack it: 7z x \"{file}\""))
    } else if starts(b"Rar!") {
        ("a RAR archive", format!("unpack it: unrar x \"{file}\""))
    } else if starts(b"%PDF") {
        ("a PDF", "name the file of counts instead".to_owned())
    } else if starts(b"\xd0\xcf\x11\xe0") {
        (
            "an Excel workbook (.xls)",
            "save the sheet of counts as CSV".to_owned(),
        )
    } else if starts(b"PAR1") {
        ("a Parquet table", from_pandas("read_parquet", path))
    } else if starts(b"ARROW1") || starts(b"FEA1") {
        ("a Feather table", from_pandas("read_feather", path))
    } else if starts(b"\x93NUMPY") {
        let next = format!(
            "write it as .h5ad in Python: import anndata, numpy; anndata.AnnData(numpy.load(\"{file}\")).write_h5ad(\"{stem}.h5ad\")"
        );
        ("a NumPy array", next)
    } else if starts(b"MATLAB 5.0") {
        ("a MATLAB file", "save the counts as CSV".to_owned())
    } else if starts(b"\x80\x02")
        || starts(b"\x80\x03")
        || starts(b"\x80\x04")
        || starts(b"\x80\x05")
    {
        ("a Python pickle", from_pandas("read_pickle", path))
    } else {
        return None;
    };
    Some(Foreign { what, next })
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
        let folder = path.file_stem().unwrap_or_default().to_string_lossy();
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
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
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
