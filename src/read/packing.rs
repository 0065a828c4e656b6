//! Input files, plain or compressed, told apart by their first bytes.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, Write},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use zip::{ZipArchive, result::ZipError};

use super::{ReadError, lines::LimitedLines};
use crate::{atomic::Scratch, h5ad::H5adError};

/// The endings of HDF5 files in archives.
pub(super) const HDF5: &[&str] = &[".h5ad", ".h5", ".h5mu", ".loom"];
/// The endings of tables in archives.
pub(super) const TABLES: &[&str] = &[".csv", ".tsv"];

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zip,
}

/// Opens a file and looks at its first bytes.
pub(super) fn open(path: &Path) -> Result<(File, Packing), ReadError> {
    let refused = |source| unreadable(path, source);
    if path.is_dir() {
        return Err(refused(io::ErrorKind::IsADirectory.into()));
    }
    let mut file = File::open(path).map_err(refused)?;
    let mut start = Vec::new();
    let head = (&mut file).take(4).read_to_end(&mut start);
    head.and_then(|_| file.rewind()).map_err(refused)?;
    let packing = match start[..] {
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => Packing::Zip,
        [0x1f, 0x8b, ..] => Packing::Gzip,
        _ => Packing::Plain,
    };
    Ok((file, packing))
}

/// The content of a gzip-compressed file.
pub(super) fn gunzip(file: File) -> Gunzipped {
    Gunzipped(MultiGzDecoder::new(BufReader::new(file)))
}

/// A reader whose errors say what to do with a file that is cut short.
pub(super) struct Gunzipped(MultiGzDecoder<BufReader<File>>);

impl Read for Gunzipped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(
                error.kind(),
                format!("its end is missing ({error}): the file seems to be cut short; copy or download it again"),
            ),
            _ => error,
        })
    }
}

/// Opens a text file, plain or gzip-compressed.
pub(super) fn open_text(path: &Path) -> Result<BufReader<Box<dyn Read>>, ReadError> {
    let (file, packing) = open(path)?;
    let text: Box<dyn Read> = match packing {
        Packing::Gzip => Box::new(gunzip(file)),
        Packing::Plain | Packing::Zip => Box::new(file),
    };
    Ok(BufReader::new(Box::new(LimitedLines::new(text))))
}

/// Calls `visit` with the name and the unpacked content of a file, or of every table in an archive,
/// in the order of their names; of BD Rhapsody's outputs only with that of the molecules. Returns the names of what is left
/// out.
pub(super) fn for_each_table(
    path: &Path,
    mut visit: impl FnMut(&str, &mut dyn Read) -> Result<(), ReadError>,
) -> Result<Vec<String>, ReadError> {
    let (file, packing) = open(path)?;
    let name = path.display().to_string();
    if packing != Packing::Zip {
        visit(&name, &mut open_text(path)?)?;
        return Ok(Vec::new());
    }
    let mut archive = open_zip(path, file)?;
    let inside = names_inside(path, &archive, TABLES)?;
    let (taken, left) = tables_of_molecules(inside);
    for inside in taken {
        let entry = archive.by_name(&inside).map_err(|e| damaged(path, &e))?;
        visit(&format!("{name}/{inside}"), &mut LimitedLines::new(entry))?;
    }
    Ok(left)
}

/// Of the tables of an archive the one of molecules per cell, where BD Rhapsody's pipeline wrote one beside reads and
/// metrics of the same cells, and the others; else all of them. Molecules corrected by RSEC go before those by DBEC.
fn tables_of_molecules(names: Vec<String>) -> (Vec<String>, Vec<String>) {
    let ends = ["RSEC_MolsPerCell.csv", "DBEC_MolsPerCell.csv"];
    let taken = ends
        .iter()
        .find_map(|end| names.iter().find(|name| name.ends_with(end)));
    match taken.cloned() {
        Some(taken) => names.into_iter().partition(|name| *name == taken),
        None => (names, Vec::new()),
    }
}

pub(super) fn open_zip(path: &Path, file: File) -> Result<ZipArchive<File>, ReadError> {
    ZipArchive::new(file).map_err(|e| damaged(path, &e))
}

/// The files of an archive with one of these endings, sorted; an error where there are none.
pub(super) fn names_inside(
    path: &Path,
    archive: &ZipArchive<File>,
    endings: &'static [&'static str],
) -> Result<Vec<String>, ReadError> {
    let names = archive.file_names().filter(|name| {
        let is_hidden = name.starts_with("__MACOSX/") || name.contains("/.");
        let lower = name.to_lowercase();
        let has_ending = endings.iter().any(|ending| lower.ends_with(ending));
        has_ending && !is_hidden && !name.starts_with('.')
    });
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    if names.is_empty() {
        return Err(ReadError::NothingInside {
            file: path.display().to_string(),
            endings: endings.join(" or "),
        });
    }
    Ok(names)
}

/// Unpacks an HDF5 file that is compressed, or the only one of an archive, into a temporary file.
pub(super) fn unpack_hdf5(path: &Path) -> Result<Scratch, ReadError> {
    let unwritable = |source| ReadError::Unpack {
        file: path.display().to_string(),
        folder: std::env::temp_dir(),
        source,
    };
    let mut unpacked = Scratch::new().map_err(unwritable)?;
    let (file, packing) = open(path)?;
    unpack_hdf5_to(path, file, packing, unpacked.file(), unwritable)?;
    Ok(unpacked)
}

/// Copies an HDF5 file, unpacked. Its content only: the permissions are those of a new
/// file, also where the input is read-only.
pub(crate) fn copy_hdf5(path: &Path, target: &Path) -> Result<(), ReadError> {
    let unwritten = |reason: String| {
        ReadError::from(H5adError::Write {
            path: target.to_owned(),
            reason,
        })
    };
    let unwritable = |e: io::Error| unwritten(e.to_string());
    let (mut file, packing) = open(path)?;
    let mut copy = File::create(target).map_err(unwritable)?;
    if packing != Packing::Plain {
        return unpack_hdf5_to(path, file, packing, &mut copy, unwritable);
    }
    // Nothing is copied where the file system lets files share their blocks. Which of the two is to blame, the error does
    // not say.
    let copied = io::copy(&mut file, &mut copy);
    copied.map_err(|e| unwritten(format!("{} cannot be copied: {e}", path.display())))?;
    Ok(())
}

fn unpack_hdf5_to(
    path: &Path,
    file: File,
    packing: Packing,
    target: &mut File,
    unwritable: impl Fn(io::Error) -> ReadError,
) -> Result<(), ReadError> {
    if packing == Packing::Gzip {
        return copy_unpacked(path, BufReader::new(gunzip(file)), target, unwritable);
    }
    let mut archive = open_zip(path, file)?;
    let names = names_inside(path, &archive, HDF5)?;
    let [name] = &names[..] else {
        return Err(ReadError::SeveralInside {
            file: path.display().to_string(),
            n_files: names.len(),
        });
    };
    let entry = archive.by_name(name).map_err(|e| damaged(path, &e))?;
    copy_unpacked(path, BufReader::new(entry), target, unwritable)
}

fn copy_unpacked(
    path: &Path,
    mut entry: impl BufRead,
    target: &mut File,
    unwritable: impl Fn(io::Error) -> ReadError,
) -> Result<(), ReadError> {
    // Not `io::copy`, whose error does not say whether the archive or the disk is to blame.
    loop {
        let unpacked = entry.fill_buf().map_err(|e| unreadable(path, e))?;
        if unpacked.is_empty() {
            return Ok(());
        }
        target.write_all(unpacked).map_err(&unwritable)?;
        let n_bytes = unpacked.len();
        entry.consume(n_bytes);
    }
}

pub(super) fn damaged(path: &Path, error: &ZipError) -> ReadError {
    ReadError::Archive {
        file: path.display().to_string(),
        reason: error.to_string(),
    }
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> ReadError {
    ReadError::Unreadable {
        file: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_goes_wrong_while_copying_is_said_of_both_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.h5ad");
        std::fs::write(&path, vec![0; 1 << 16]).expect("a file");
        let said = copy_hdf5(&path, Path::new("/dev/full")).expect_err("a disk that is full");
        let expected = format!(
            "/dev/full: the file cannot be written: {} cannot be copied: No space left on device (os error 28)",
            path.display()
        );
        assert_eq!(said.to_string(), expected);
    }
}
