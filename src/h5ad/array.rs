//! A dataset that has passed the checks which protect memory.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use hdf5::{Datatype, H5Type, filters::Filter, plist::dataset_create::Layout};
use ndarray::{Array2, s};

use super::{
    H5adError,
    deflated::{Deflated, Number},
    element_path::ElementPath,
};

/// No HDF5 filter that is compiled in shrinks data further than deflate's 1:1032.
const MAX_COMPRESSION: u128 = 1100;
/// Up to this size a dataset may be stored as fill values alone.
pub(super) const UNCHECKED_BYTES: u128 = 64 << 20;

/// A dataset and where it is. Its shape stands for data that the file does store, and its filters
/// can be undone.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    inner: hdf5::Dataset,
    place: ElementPath,
    shape: Vec<usize>,
    /// Where its chunks are, once they were asked for and if they are deflated.
    deflated: Arc<OnceLock<Option<Deflated>>>,
}

impl Array {
    /// Checks a dataset's size and filters; reads nothing.
    pub(super) fn open(inner: hdf5::Dataset, place: ElementPath) -> Result<Self, H5adError> {
        let shape = place.ask(|| Ok(inner.space()?.shape()))?;
        let array = Self {
            inner,
            place,
            shape,
            deflated: Arc::default(),
        };
        array.check_layout()?;
        array.check_storage()?;
        array.check_filters()?;
        Ok(array)
    }

    /// A dataset in other files could not be read, or would read as zeros where one of them is absent.
    fn check_layout(&self) -> Result<(), H5adError> {
        let is_elsewhere = self.place.guard(0, || {
            let list = self.inner.dcpl();
            let has_files = list.is_ok_and(|list| !list.external().is_empty());
            has_files || self.inner.layout() == Layout::Virtual
        });
        if is_elsewhere {
            return Err(self.place.elsewhere());
        }
        Ok(())
    }

    /// Neither the whole, nor a chunk, which is unpacked at once, may be more than what is stored
    /// can inflate to.
    fn check_storage(&self) -> Result<(), H5adError> {
        let size = self.dtype()?.size() as u128;
        let bytes = |lengths: &[usize]| {
            let mut lengths = lengths.iter();
            let product = lengths.try_fold(size, |product, &n| product.checked_mul(n as u128));
            product.unwrap_or(u128::MAX)
        };
        let (chunk, file_size, stored) = self.place.guard(0, || {
            let file = self.inner.file();
            let file_size = file.map_or(u64::MAX, |file| file.size());
            (self.inner.chunk(), file_size, self.inner.storage_size())
        });
        let chunk = chunk.map_or(0, |chunk| bytes(&chunk));
        let claimed = bytes(&self.shape).max(chunk);
        let stored = stored.min(file_size);
        if claimed > UNCHECKED_BYTES && claimed / MAX_COMPRESSION > u128::from(stored) {
            return Err(H5adError::Unbacked {
                path: self.place.path(),
                element: self.place.element(),
                claimed,
                stored,
            });
        }
        Ok(())
    }

    fn check_filters(&self) -> Result<(), H5adError> {
        let filters = self.place.guard(0, || self.inner.filters());
        match filters.iter().find(|filter| !filter.is_available()) {
            None => Ok(()),
            Some(filter) => Err(H5adError::Filter {
                path: self.place.path(),
                element: self.place.element(),
                filter: filter_name(filter),
            }),
        }
    }

    pub(crate) fn place(&self) -> &ElementPath {
        &self.place
    }

    pub(crate) fn container(&self) -> &hdf5::Container {
        &self.inner
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The length of a one-dimensional dataset; an error for any other.
    pub(crate) fn len(&self) -> Result<usize, H5adError> {
        if let [length] = self.shape[..] {
            return Ok(length);
        }
        let found = format!("a dataset of shape {:?}", self.shape);
        Err(self.place.encoding("a one-dimensional dataset", found))
    }

    pub(crate) fn dtype(&self) -> Result<Datatype, H5adError> {
        self.place.ask(|| self.inner.dtype())
    }

    /// Fails unless the values are numbers.
    pub(crate) fn check_numeric(&self) -> Result<(), H5adError> {
        let dtype = self.dtype()?;
        if dtype.conv_to::<f32>().is_some() {
            return Ok(());
        }
        let found = format!("a dataset of type {dtype}");
        Err(self.place.encoding("numbers", found))
    }

    /// All values, converted to `T`, in row order.
    pub(crate) fn read<T: H5Type>(&self) -> Result<Vec<T>, H5adError> {
        let n_values = self.shape.iter().product();
        self.read_values::<T, _>(n_values, || self.inner.read_raw())
    }

    /// Where its chunks are, if they are deflated: found once, in the file that is open, whatever messages call it.
    pub(super) fn chunks(&self) -> Option<&Deflated> {
        let find = || self.place.guard(0, || Deflated::find(&self.inner));
        self.deflated.get_or_init(find).as_ref()
    }

    /// A run of values of a one-dimensional dataset, converted to `T`; by all threads, where they are deflated.
    pub(crate) fn read_range<T: Number>(&self, range: Range<usize>) -> Result<Vec<T>, H5adError> {
        let unpacked = self.chunks().and_then(|it| it.read(range.clone()));
        if let Some(values) = unpacked {
            return Ok(values);
        }
        let values = self.read_values::<T, _>(range.len(), || self.inner.read_slice_1d(range))?;
        Ok(values.into_raw_vec_and_offset().0)
    }

    /// A run of rows of a two-dimensional dataset.
    pub(crate) fn read_rows(&self, rows: Range<usize>) -> Result<Array2<f32>, H5adError> {
        let n_genes = self.shape.get(1).copied().unwrap_or_default();
        self.read_values::<f32, _>(rows.len().saturating_mul(n_genes), || {
            self.inner.read_slice_2d(s![rows, ..])
        })
    }

    /// A run of columns of a two-dimensional dataset.
    pub(crate) fn read_columns(&self, columns: Range<usize>) -> Result<Array2<f32>, H5adError> {
        let n_rows = self.shape.first().copied().unwrap_or_default();
        self.read_values::<f32, _>(columns.len().saturating_mul(n_rows), || {
            self.inner.read_slice_2d(s![.., columns])
        })
    }

    /// Lets HDF5 read values into memory of their own, whole chunks at a time.
    fn read_values<T, R>(
        &self,
        n_values: usize,
        read: impl FnOnce() -> hdf5::Result<R>,
    ) -> Result<R, H5adError> {
        let chunk = self.place.guard(0, || self.inner.chunk());
        let chunk: usize = chunk.unwrap_or_default().iter().product();
        // A chunk is held packed and unpacked, while the buffer that it is unpacked into may double.
        let room = n_values
            .saturating_add(chunk.saturating_mul(4))
            .saturating_mul(size_of::<T>().max(8));
        self.place
            .guard(room as u64, read)
            .map_err(|e| self.place.refused(e))
    }
}

fn filter_name(filter: &Filter) -> String {
    match filter {
        Filter::SZip(..) => "szip".to_owned(),
        Filter::User(32004, _) => "lz4".to_owned(),
        Filter::User(32008, _) => "bitshuffle".to_owned(),
        Filter::User(32015, _) => "zstd".to_owned(),
        Filter::User(32026, _) => "blosc2".to_owned(),
        Filter::User(id, _) => format!("HDF5 filter {id}"),
        known => format!("{known:?}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::h5ad::element::Group;

    #[test]
    fn chunks_are_those_of_the_open_file_whatever_messages_call_it()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("unpacked.h5");
        let file = hdf5::File::create(&path)?;
        let builder = file.new_dataset::<i32>().shape(300).chunk(100).deflate(4);
        let values: Vec<i32> = (0..300).collect();
        builder.create("x")?.write_raw(&values)?;
        file.close()?;
        let file = hdf5::File::open(&path)?;
        let array = Group::root(&file, "packed.h5.gz".as_ref())?.array("x")?;
        assert!(array.chunks().is_some());
        std::fs::remove_file(path)?;
        let expected: Vec<i64> = (150..250).collect();
        assert_eq!(array.read_range::<i64>(150..250)?, expected);
        Ok(())
    }
}
