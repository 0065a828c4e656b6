//! Input files, plain or compressed, told apart by their first bytes.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use zip::{ZipArchive, result::ZipError};

use super::ConvertError;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zip,
}

/// Opens a file and looks at its first bytes.
pub(super) fn open(path: &Path) -> Result<(File, Packing), ConvertError> {
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

/// Calls `visit` with the name and the unpacked content of a file, or of every file in it with that
/// extension, in the order of their names.
pub(super) fn for_each_table(
    path: &Path,
    extension: &'static str,
    mut visit: impl FnMut(&str, &mut dyn Read) -> Result<(), ConvertError>,
) -> Result<(), ConvertError> {
    let (file, packing) = open(path)?;
    let name = path.display().to_string();
    match packing {
        Packing::Plain => visit(&name, &mut BufReader::new(file)),
        Packing::Gzip => visit(&name, &mut MultiGzDecoder::new(BufReader::new(file))),
        Packing::Zip => {
            let mut archive = open_zip(path, file)?;
            for inside in names_inside(path, &archive, extension)? {
                let mut entry = archive.by_name(&inside).map_err(|e| damaged(path, &e))?;
                visit(&format!("{name}/{inside}"), &mut entry)?;
            }
            Ok(())
        }
    }
}

pub(super) fn open_zip(path: &Path, file: File) -> Result<ZipArchive<File>, ConvertError> {
    ZipArchive::new(file).map_err(|e| damaged(path, &e))
}

/// The files of an archive with that extension, sorted; an error where there are none.
pub(super) fn names_inside(
    path: &Path,
    archive: &ZipArchive<File>,
    extension: &'static str,
) -> Result<Vec<String>, ConvertError> {
    let names = archive.file_names().filter(|name| {
        let is_hidden = name.starts_with("__MACOSX/") || name.contains("/.");
        name.to_lowercase().ends_with(extension) && !is_hidden && !name.starts_with('.')
    });
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    if names.is_empty() {
        return Err(ConvertError::NothingInside {
            file: path.display().to_string(),
            extension,
        });
    }
    Ok(names)
}

pub(super) fn damaged(path: &Path, error: &ZipError) -> ConvertError {
    ConvertError::Archive {
        file: path.display().to_string(),
        reason: error.to_string(),
    }
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> ConvertError {
    ConvertError::Unreadable {
        file: path.display().to_string(),
        source,
    }
}
