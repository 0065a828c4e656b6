//! Opening an HDF5 file, with a chunk cache that suits its matrix.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

use hdf5::Dataset;
use ndarray::Axis;

use super::{H5adError, element::Group, element_path::ElementPath};

/// HDF5 looks for its signature here, and at every doubling of 512 (a "user block" may precede it).
const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
/// HDF5's own chunk cache per dataset.
const DEFAULT_CACHE: usize = 1 << 20;
/// The largest chunk cache per dataset that a file may ask of us.
const MAX_CACHE: usize = 256 << 20;
/// Slots of the chunk cache: a prime far above the number of chunks that cover a row.
const CACHE_SLOTS: usize = 12_421;

/// Opens an HDF5 file for reading, which messages call `shown`: its root.
pub(crate) fn open(path: &Path, shown: &Path) -> Result<Group, H5adError> {
    open_by(path, shown, Axis(0), &[""; 0])
}

/// As [`open`], where `datasets` are those that will be read along an axis: by rows along the first, by columns along the second.
///
/// Where the chunks of a row (or column) exceed HDF5's cache, each of them would be decompressed again for every
/// block of rows: the cache is then made large enough for one row of chunks, up to 256 MiB.
pub(crate) fn open_by<S: AsRef<str>>(
    path: &Path,
    shown: &Path,
    axis: Axis,
    datasets: &[S],
) -> Result<Group, H5adError> {
    let size = check_readable(path, shown)?;
    let place = ElementPath::root(shown);
    let refused = |e| refused_file(&place, size, e);
    let file = place.guard(0, || hdf5::File::open(path)).map_err(refused)?;
    let cache = place.guard(0, || widest_band(&file, axis, datasets));
    let file = match cache {
        Some(bytes) if bytes > DEFAULT_CACHE => {
            // The cache of a file is set when it is opened, and while it is open it stays.
            place.guard(0, || file.close()).map_err(refused)?;
            let bytes = bytes.min(MAX_CACHE);
            let mut options = hdf5::File::with_options();
            options.with_fapl(|access| access.chunk_cache(CACHE_SLOTS, bytes, 0.75));
            place.guard(0, || options.open(path)).map_err(refused)?
        }
        _ => file,
    };
    Group::root(&file, shown)
}

/// The error for a file of `size` bytes that HDF5 refuses as a whole.
fn refused_file(place: &ElementPath, size: u64, reason: hdf5::Error) -> H5adError {
    let said = reason.to_string();
    let (path, after) = (place.path(), said.split_once("stored_eof = "));
    if said.contains("unable to lock file") {
        return H5adError::Locked { path };
    }
    match after.and_then(|(_, expected)| expected.trim_end().parse().ok()) {
        Some(expected) => H5adError::CutShort {
            path,
            size,
            expected,
        },
        None => place.refused(reason),
    }
}

/// The most bytes that [`band_bytes`] gives for one of the datasets that there are.
fn widest_band<S: AsRef<str>>(file: &hdf5::File, axis: Axis, datasets: &[S]) -> Option<usize> {
    let names = datasets.iter().map(AsRef::as_ref);
    let present = names.filter(|name| file.link_exists(name));
    let opened = present.filter_map(|name| file.dataset(name).ok());
    opened.map(|dataset| band_bytes(&dataset, axis)).max()
}

/// Bytes of all chunks that a place along an axis (a row, a column, or a value, in one dimension) lies in; 0 where there are
/// none.
fn band_bytes(dataset: &Dataset, along: Axis) -> usize {
    let (Some(chunk), Ok(dtype)) = (dataset.chunk(), dataset.dtype()) else {
        return 0;
    };
    let lengths = chunk.iter().zip(dataset.shape()).enumerate();
    lengths.fold(dtype.size(), |bytes, (axis, (&chunk, length))| {
        let covered = if axis == along.index() {
            chunk
        } else {
            length.div_ceil(chunk.max(1)).saturating_mul(chunk)
        };
        bytes.saturating_mul(covered)
    })
}

/// The size in bytes; fails, with the reason, unless this is an HDF5 file that may be read.
fn check_readable(path: &Path, shown: &Path) -> Result<u64, H5adError> {
    let unreadable = |source| H5adError::Unreadable {
        path: shown.to_owned(),
        source,
    };
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            if let Ok(target) = path.read_link() {
                return Err(H5adError::DeadLink {
                    path: shown.to_owned(),
                    target,
                });
            }
            return Err(H5adError::Missing {
                path: shown.to_owned(),
                nearby: path.parent().map(list_h5ad).unwrap_or_default(),
            });
        }
        Err(e) => return Err(unreadable(e)),
    };
    if metadata.is_dir() {
        return Err(H5adError::IsFolder {
            path: shown.to_owned(),
            nearby: list_h5ad(path),
        });
    }
    if !metadata.is_file() {
        return Err(H5adError::NotAFile {
            path: shown.to_owned(),
        });
    }
    if metadata.len() == 0 {
        return Err(H5adError::NoBytes {
            path: shown.to_owned(),
        });
    }
    if has_signature(path, metadata.len()).map_err(unreadable)? {
        Ok(metadata.len())
    } else {
        Err(H5adError::NotHdf5 {
            path: shown.to_owned(),
        })
    }
}

fn has_signature(path: &Path, size: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut offset = 0;
    while offset + SIGNATURE.len() as u64 <= size {
        let mut start = [0; SIGNATURE.len()];
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut start)?;
        if start == *SIGNATURE {
            return Ok(true);
        }
        offset = (2 * offset).max(512);
    }
    Ok(false)
}

/// The names of the `.h5ad` files of a folder, sorted.
fn list_h5ad(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_h5ad = |name: &String| {
        let extension = Path::new(name).extension();
        !name.starts_with('.') && extension.is_some_and(|e| e == "h5ad")
    };
    let mut names: Vec<String> = names.filter(is_h5ad).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_of_the_chunks_of_a_row_or_of_a_column() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = hdf5::File::create(folder.path().join("x.h5"))?;
        let builder = file.new_dataset::<f32>().shape((1000, 45));
        let dataset = builder.chunk((8, 10)).create("x")?;
        assert_eq!(band_bytes(&dataset, Axis(0)), 4 * 8 * 50);
        assert_eq!(band_bytes(&dataset, Axis(1)), 4 * 10 * 1000);
        let whole = file.new_dataset::<f32>().shape((3, 4)).create("whole")?;
        assert_eq!(band_bytes(&whole, Axis(0)), 0);
        Ok(())
    }
}
