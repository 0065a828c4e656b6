//! A dataset that has passed the checks which protect memory.

use std::ops::Range;

use hdf5::{Datatype, H5Type, filters::Filter, plist::dataset_create::Layout};
use ndarray::{Array2, s};

use super::{H5adError, place::Place};

/// No HDF5 filter that is compiled in shrinks data further than deflate's 1:1032.
const MAX_COMPRESSION: u128 = 1100;
/// Up to this size a dataset may be stored as fill values alone.
const UNCHECKED_BYTES: u128 = 64 << 20;

/// A dataset and where it is. Its shape stands for data that the file does store, and its filters
/// can be undone.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    inner: hdf5::Dataset,
    place: Place,
    shape: Vec<usize>,
}

impl Array {
    /// Checks a dataset's size and filters; reads nothing.
    pub(super) fn open(inner: hdf5::Dataset, place: Place) -> Result<Self, H5adError> {
        let shape = inner.space().map_err(|e| place.refused(e))?.shape().clone();
        let array = Self {
            inner,
            place,
            shape,
        };
        array.check_layout()?;
        array.check_storage()?;
        array.check_filters()?;
        Ok(array)
    }

    /// A dataset in other files could not be read, or would read as zeros where one of them is absent.
    fn check_layout(&self) -> Result<(), H5adError> {
        let has_files = self
            .inner
            .dcpl()
            .is_ok_and(|list| !list.external().is_empty());
        if has_files || self.inner.layout() == Layout::Virtual {
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
        let chunk = self.inner.chunk().map_or(0, |chunk| bytes(&chunk));
        let claimed = bytes(&self.shape).max(chunk);
        let file_size = self.inner.file().map_or(u64::MAX, |file| file.size());
        let stored = self.inner.storage_size().min(file_size);
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
        let filters = self.inner.filters();
        match filters.iter().find(|filter| !filter.is_available()) {
            None => Ok(()),
            Some(filter) => Err(H5adError::Filter {
                path: self.place.path(),
                element: self.place.element(),
                filter: filter_name(filter),
            }),
        }
    }

    pub(crate) fn place(&self) -> &Place {
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
        self.inner.dtype().map_err(|e| self.place.refused(e))
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
        self.inner.read_raw().map_err(|e| self.place.refused(e))
    }

    /// A run of values of a one-dimensional dataset, converted to `T`.
    pub(crate) fn read_range<T: H5Type>(&self, range: Range<usize>) -> Result<Vec<T>, H5adError> {
        let values = self.inner.read_slice_1d::<T, _>(range);
        let values = values.map_err(|e| self.place.refused(e))?;
        Ok(values.into_raw_vec_and_offset().0)
    }

    /// A run of rows of a two-dimensional dataset.
    pub(crate) fn read_rows(&self, rows: Range<usize>) -> Result<Array2<f32>, H5adError> {
        self.inner
            .read_slice_2d(s![rows, ..])
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
