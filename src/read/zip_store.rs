//! A zip archive of a folder in the Zarr format, read in its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use zarrs::storage::{
    Bytes, ListableStorageTraits, MaybeBytesIterator, ReadableStorageTraits, StorageError,
    StoreKey, StoreKeys, StoreKeysPrefixes, StorePrefix,
    byte_range::{ByteRangeIterator, InvalidByteRangeError},
};
use zip::ZipArchive;

use super::{ReadError, packing};

/// The files that say of a folder that it is a group: of version 3, and of version 2.
pub(super) const ROOTS: [&str; 2] = ["zarr.json", ".zgroup"];

/// The folder of an archive's files, by their names, that is a group and has no other such above it: empty, or with a
/// slash at its end.
pub(super) fn root_of(names: &[String]) -> Option<&str> {
    let folders = names.iter().filter_map(|name| {
        let folder = ROOTS.iter().find_map(|root| name.strip_suffix(root))?;
        (folder.is_empty() || folder.ends_with('/')).then_some(folder)
    });
    folders.min_by_key(|folder| folder.len())
}

/// The files below the root, each read as a whole when it is asked for.
#[derive(Debug)]
pub(super) struct ZipStore {
    archive: Mutex<ZipArchive<File>>,
    /// Each file's name in the archive, and its size.
    files: BTreeMap<StoreKey, (String, u64)>,
}

impl ZipStore {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let (file, _) = packing::open(path)?;
        let mut archive = packing::open_zip(path, file)?;
        let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
        let root = root_of(&names).unwrap_or_default();
        let mut files = BTreeMap::new();
        for name in &names {
            let Some(key) = name.strip_prefix(root).filter(|key| !key.ends_with('/')) else {
                continue;
            };
            let entry = archive
                .by_name(name)
                .map_err(|e| packing::damaged(path, &e))?;
            if let Ok(key) = StoreKey::new(key) {
                files.insert(key, (name.clone(), entry.size()));
            }
        }
        Ok(Self {
            archive: Mutex::new(archive),
            files,
        })
    }

    fn read(&self, name: &str) -> Result<Bytes, StorageError> {
        let mut archive = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = archive.by_name(name);
        let mut entry = entry.map_err(|e| StorageError::Other(e.to_string()))?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(Arc::new)?;
        Ok(content.into())
    }
}

impl ReadableStorageTraits for ZipStore {
    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        byte_ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let Some((name, _)) = self.files.get(key) else {
            return Ok(None);
        };
        let content = self.read(name)?;
        let size = content.len() as u64;
        Ok(Some(Box::new(byte_ranges.map(move |range| {
            if range.start(size) > range.end(size) || range.end(size) > size {
                return Err(InvalidByteRangeError::new(range, size).into());
            }
            Ok(content.slice(range.to_range_usize(size)))
        }))))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        Ok(self.files.get(key).map(|(_, size)| *size))
    }

    fn supports_get_partial(&self) -> bool {
        false
    }
}

impl ListableStorageTraits for ZipStore {
    fn list(&self) -> Result<StoreKeys, StorageError> {
        Ok(self.files.keys().cloned().collect())
    }

    fn list_prefix(&self, prefix: &StorePrefix) -> Result<StoreKeys, StorageError> {
        let keys = self.files.keys().filter(|key| key.has_prefix(prefix));
        Ok(keys.cloned().collect())
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<StoreKeysPrefixes, StorageError> {
        let mut keys = Vec::new();
        let mut folders = BTreeSet::new();
        for key in self.list_prefix(prefix)? {
            let below = key
                .as_str()
                .strip_prefix(prefix.as_str())
                .unwrap_or_default();
            match below.split_once('/') {
                Some((folder, _)) => {
                    folders.insert(StorePrefix::new(format!("{}{folder}/", prefix.as_str()))?);
                }
                None => keys.push(key),
            }
        }
        Ok(StoreKeysPrefixes::new(keys, folders.into_iter().collect()))
    }

    fn size_prefix(&self, prefix: &StorePrefix) -> Result<u64, StorageError> {
        let files = self.files.iter().filter(|(key, _)| key.has_prefix(prefix));
        Ok(files.map(|(_, (_, size))| size).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_group_that_lies_highest() {
        let root = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            root_of(&names).map(str::to_owned)
        };
        let names = ["a.zarr/obs/.zgroup", "a.zarr/.zgroup", "a.zarr/X/0"];
        assert_eq!(root(&names).as_deref(), Some("a.zarr/"));
        assert_eq!(root(&["obs/zarr.json", "zarr.json"]).as_deref(), Some(""));
        assert_eq!(root(&["a.csv", "notzarr.json"]), None);
    }
}
