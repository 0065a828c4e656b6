//! Numbers in deflated chunks, unpacked by all threads.
//!
//! HDF5 lets one thread in at a time, and unpacks one chunk after the other. It also tells where in the file the chunks lie, so that
//! their bytes can be read and unpacked here. What is stored in another way, or does not unpack to what it should, is left to HDF5,
//! which can say what is wrong with it.
//!
//! Format: <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>, deflate and shuffle in the pipeline of filters.

use std::{
    array,
    fs::File,
    ops::Range,
    os::unix::fs::FileExt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hdf5::{
    Dataset, Datatype, H5Type,
    filters::Filter,
    types::{FloatSize, IntSize, TypeDescriptor},
};
use libdeflater::Decompressor;
use rayon::prelude::*;

/// Larger chunks are left to HDF5, which keeps them unpacked from one run of values to the next.
const MAX_CHUNK_BYTES: usize = 4 << 20;

/// To list more chunks than this could take HDF5 longer than to unpack them.
const MAX_CHUNKS: usize = 1 << 22;

/// How much longer than its values a packed chunk may be.
const MAX_PACKED: usize = 2;

/// What values are read as.
pub(crate) trait Number: H5Type + Copy + Default + Send {
    fn of_whole(value: i64) -> Self;
    fn of_real(value: f64) -> Self;
}

impl Number for f32 {
    fn of_whole(value: i64) -> Self {
        value as Self
    }

    fn of_real(value: f64) -> Self {
        value as Self
    }
}

impl Number for i64 {
    fn of_whole(value: i64) -> Self {
        value
    }

    fn of_real(value: f64) -> Self {
        value as Self
    }
}

/// What values are stored as: the machine's own types, least byte first.
#[derive(Debug, Clone, Copy)]
enum StoredAs {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    F32,
    F64,
}

/// A one-dimensional dataset of numbers, in deflated chunks of which none is missing.
#[derive(Debug)]
pub(super) struct Deflated {
    file: File,
    stored_as: StoredAs,
    /// Whether the first bytes of all values of a chunk come first, then all second ones, and so on.
    is_shuffled: bool,
    n_values: usize,
    /// Values of a chunk. The last one is filled up to as many.
    chunk: usize,
    /// Bytes of these.
    chunk_bytes: usize,
    /// Where each chunk lies in the file.
    chunks: Vec<Packed>,
    /// The last chunk of the last run, unpacked: the next run often begins in it.
    last: Mutex<Option<(usize, Vec<u8>)>>,
}

/// A chunk in the file.
#[derive(Debug, Clone, Copy, Default)]
struct Packed {
    address: u64,
    bytes: usize,
}

/// What a thread unpacks with.
struct Unpacking {
    deflate: Decompressor,
    packed: Vec<u8>,
    unpacked: Vec<u8>,
}

impl StoredAs {
    fn of(dtype: &Datatype) -> Option<Self> {
        let described = dtype.to_descriptor().ok()?;
        let stored_as = match described {
            TypeDescriptor::Integer(IntSize::U1) => Self::I8,
            TypeDescriptor::Integer(IntSize::U2) => Self::I16,
            TypeDescriptor::Integer(IntSize::U4) => Self::I32,
            TypeDescriptor::Integer(IntSize::U8) => Self::I64,
            TypeDescriptor::Unsigned(IntSize::U1) => Self::U8,
            TypeDescriptor::Unsigned(IntSize::U2) => Self::U16,
            TypeDescriptor::Unsigned(IntSize::U4) => Self::U32,
            TypeDescriptor::Float(FloatSize::U4) => Self::F32,
            TypeDescriptor::Float(FloatSize::U8) => Self::F64,
            _ => return None,
        };
        // One with another order of bytes or with fewer bits is described in the same way.
        let is_native = Datatype::from_descriptor(&described).is_ok_and(|native| native == *dtype);
        (is_native && cfg!(target_endian = "little")).then_some(stored_as)
    }

    /// Values from the `from`-th of a chunk on, as many as are wanted.
    fn decode<T: Number>(self, chunk: Unpacked, from: usize, values: &mut [T]) {
        let (whole, real) = (T::of_whole, T::of_real);
        match self {
            Self::I8 => chunk.each(from, values, |b| whole(i8::from_le_bytes(b).into())),
            Self::I16 => chunk.each(from, values, |b| whole(i16::from_le_bytes(b).into())),
            Self::I32 => chunk.each(from, values, |b| whole(i32::from_le_bytes(b).into())),
            Self::I64 => chunk.each(from, values, |b| whole(i64::from_le_bytes(b))),
            Self::U8 => chunk.each(from, values, |b| whole(u8::from_le_bytes(b).into())),
            Self::U16 => chunk.each(from, values, |b| whole(u16::from_le_bytes(b).into())),
            Self::U32 => chunk.each(from, values, |b| whole(u32::from_le_bytes(b).into())),
            Self::F32 => chunk.each(from, values, |b| real(f32::from_le_bytes(b).into())),
            Self::F64 => chunk.each(from, values, |b| real(f64::from_le_bytes(b))),
        }
    }
}

/// The bytes of a chunk.
#[derive(Clone, Copy)]
struct Unpacked<'a> {
    bytes: &'a [u8],
    is_shuffled: bool,
}

impl Unpacked<'_> {
    fn each<const BYTES: usize, T>(
        self,
        from: usize,
        values: &mut [T],
        value: impl Fn([u8; BYTES]) -> T,
    ) {
        if self.is_shuffled {
            let n_values = self.bytes.len() / BYTES;
            for (place, to) in (from..).zip(values) {
                *to = value(array::from_fn(|byte| self.bytes[byte * n_values + place]));
            }
        } else {
            let (stored, _) = self.bytes.as_chunks();
            for (to, &bytes) in values.iter_mut().zip(&stored[from..]) {
                *to = value(bytes);
            }
        }
    }
}

impl Deflated {
    /// Finds where the chunks lie; `None` where the dataset is not stored so. Asks HDF5, so that it has to be called under guard.
    pub(super) fn find(dataset: &Dataset) -> Option<Self> {
        let (&[n_values], &[chunk]) = (&dataset.shape()[..], &dataset.chunk()?[..]) else {
            return None;
        };
        let is_shuffled = match dataset.filters()[..] {
            [Filter::Deflate(_)] => false,
            [Filter::Shuffle, Filter::Deflate(_)] => true,
            _ => return None,
        };
        let dtype = dataset.dtype().ok()?;
        let chunk_bytes = chunk.checked_mul(dtype.size())?;
        let has_addresses_from_0 = dataset.file().ok()?.userblock() == 0;
        if !(1..=MAX_CHUNK_BYTES).contains(&chunk_bytes) || !has_addresses_from_0 {
            return None;
        }
        Some(Self {
            stored_as: StoredAs::of(&dtype)?,
            chunks: chunks(dataset, n_values.div_ceil(chunk), chunk, chunk_bytes)?,
            file: File::open(dataset.filename()).ok()?,
            is_shuffled,
            n_values,
            chunk,
            chunk_bytes,
            last: Mutex::default(),
        })
    }

    /// A run of values; `None` where one of their chunks cannot be read or unpacked.
    pub(super) fn read<T: Number>(&self, run: Range<usize>) -> Option<Vec<T>> {
        if run.is_empty() || run.end > self.n_values {
            return None;
        }
        // The first chunk may be wanted from its middle on, the others from their start.
        let (first, skipped) = (run.start / self.chunk, run.start % self.chunk);
        let mut values = vec![T::default(); run.len()];
        let (head, rest) = values.split_at_mut(run.len().min(self.chunk - skipped));
        let mut pieces = vec![(first, skipped, head)];
        let rest = rest.chunks_mut(self.chunk);
        pieces.extend(
            (first + 1..)
                .zip(rest)
                .map(|(chunk, piece)| (chunk, 0, piece)),
        );
        pieces
            .into_par_iter()
            .try_for_each_init(Unpacking::new, |unpacking, (chunk, from, piece)| {
                self.fill(chunk, from, piece, unpacking)
            })?;
        Some(values)
    }

    /// Reads values from the `from`-th of a chunk on, as many as are wanted.
    fn fill<T: Number>(
        &self,
        chunk: usize,
        from: usize,
        values: &mut [T],
        unpacking: &mut Unpacking,
    ) -> Option<()> {
        let mut decode = |bytes: &[u8]| {
            let is_shuffled = self.is_shuffled;
            self.stored_as
                .decode(Unpacked { bytes, is_shuffled }, from, values);
        };
        if let Some((kept, bytes)) = &*self.last()
            && *kept == chunk
        {
            decode(bytes);
            return Some(());
        }
        self.unpack(chunk, unpacking)?;
        decode(&unpacking.unpacked);
        if from + values.len() < self.chunk {
            *self.last() = Some((chunk, std::mem::take(&mut unpacking.unpacked)));
        }
        Some(())
    }

    fn last(&self) -> MutexGuard<'_, Option<(usize, Vec<u8>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where a chunk does not unpack to what its values take, with the right checksum.
    fn unpack(&self, chunk: usize, unpacking: &mut Unpacking) -> Option<()> {
        let Packed { address, bytes } = self.chunks[chunk];
        let Unpacking {
            deflate,
            packed,
            unpacked,
        } = unpacking;
        packed.resize(bytes, 0);
        self.file.read_exact_at(packed, address).ok()?;
        unpacked.resize(self.chunk_bytes, 0);
        let n_unpacked = deflate.zlib_decompress(packed, unpacked).ok()?;
        (n_unpacked == self.chunk_bytes).then_some(())
    }
}

impl Unpacking {
    fn new() -> Self {
        Self {
            deflate: Decompressor::new(),
            packed: Vec::new(),
            unpacked: Vec::new(),
        }
    }
}

/// Where each of `n_chunks` chunks lies; `None` unless HDF5 knows all of them, each packed by all filters to a size that is
/// plausible.
fn chunks(
    dataset: &Dataset,
    n_chunks: usize,
    chunk: usize,
    chunk_bytes: usize,
) -> Option<Vec<Packed>> {
    if n_chunks > MAX_CHUNKS || dataset.num_chunks()? != n_chunks {
        return None;
    }
    let mut chunks = vec![Packed::default(); n_chunks];
    let most_packed = (MAX_PACKED * chunk_bytes) as u64;
    let mut n_sound = 0;
    dataset
        .chunks_visit(|found| {
            let place = found.offset[0] as usize / chunk;
            let is_sound = found.filter_mask == 0 && (1..=most_packed).contains(&found.size);
            let empty = chunks.get_mut(place).filter(|packed| packed.bytes == 0);
            if let Some(packed) = empty.filter(|_| is_sound) {
                *packed = Packed {
                    address: found.addr,
                    bytes: found.size as usize,
                };
                n_sound += 1;
            }
            0
        })
        .ok()?;
    (n_sound == n_chunks).then_some(chunks)
}

#[cfg(test)]
mod tests {
    use std::{error::Error, path::PathBuf};

    use hdf5::DatasetBuilder;
    use ndarray::Array1;
    use tempfile::TempDir;

    use super::*;

    const CHUNK: usize = 100;
    /// Three chunks, and a part of one.
    const N_VALUES: usize = 3 * CHUNK + 41;

    struct Sample {
        _folder: TempDir,
        path: PathBuf,
        dataset: Dataset,
    }

    /// A file of numbers from −60 to 59 as `value` stores them, and as `builder` is set up.
    fn sample<T: H5Type>(
        value: impl Fn(i64) -> T,
        set_up: impl FnOnce(DatasetBuilder) -> DatasetBuilder,
    ) -> Result<Sample, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.h5");
        let file = hdf5::File::create(&path)?;
        let values = (0..N_VALUES as i64).map(|place| value(place * 7 % 120 - 60));
        let builder = set_up(file.new_dataset_builder());
        builder
            .with_data(&values.collect::<Array1<T>>())
            .create("x")?;
        file.close()?;
        Ok(Sample {
            dataset: hdf5::File::open(&path)?.dataset("x")?,
            path,
            _folder: folder,
        })
    }

    fn deflated(builder: DatasetBuilder) -> DatasetBuilder {
        builder.chunk(CHUNK).deflate(4)
    }

    fn shuffled(builder: DatasetBuilder) -> DatasetBuilder {
        builder.chunk(CHUNK).shuffle().deflate(4)
    }

    impl Sample {
        fn find(&self) -> Option<Deflated> {
            Deflated::find(&self.dataset)
        }

        /// Runs within a chunk, over several, up to the end, and one after the other.
        fn is_read_as_hdf5_reads_it<T: Number + PartialEq>(&self) -> Result<bool, Box<dyn Error>> {
            let found = self.find().ok_or("not found")?;
            let mut is_same = true;
            for run in [
                0..N_VALUES,
                0..30,
                30..31,
                31..250,
                250..300,
                300..341,
                120..340,
                99..101,
            ] {
                let expected = self.dataset.read_slice_1d::<T, _>(run.clone())?;
                is_same &= found.read::<T>(run) == Some(expected.to_vec());
            }
            Ok(is_same)
        }
    }

    fn type_is_read<T: H5Type>(value: impl Fn(i64) -> T) -> Result<bool, Box<dyn Error>> {
        let mut is_same = true;
        for set_up in [deflated, shuffled] {
            let sample = sample(&value, set_up)?;
            is_same &= sample.is_read_as_hdf5_reads_it::<f32>()?;
            is_same &= sample.is_read_as_hdf5_reads_it::<i64>()?;
        }
        Ok(is_same)
    }

    #[test]
    fn values_of_every_type_are_those_that_hdf5_reads() -> Result<(), Box<dyn Error>> {
        assert!(type_is_read(|value| value as i8)?);
        assert!(type_is_read(|value| value as i16 * 500)?);
        assert!(type_is_read(|value| value as i32 * 30_000_001)?);
        assert!(type_is_read(|value| value * 100_000_000_000_000_007)?);
        assert!(type_is_read(|value| (value + 60) as u8)?);
        assert!(type_is_read(|value| (value + 60) as u16 * 500)?);
        assert!(type_is_read(|value| (value + 60) as u32 * 30_000_001)?);
        assert!(type_is_read(|value| value as f32 * 1.7e9)?);
        assert!(type_is_read(|value| value as f64 / 7.0)?);
        Ok(())
    }

    #[test]
    fn other_datasets_are_left_to_hdf5() -> Result<(), Box<dyn Error>> {
        let whole = |value: i64| value as i32;
        let set_ups: [fn(DatasetBuilder) -> DatasetBuilder; 4] = [
            |builder| builder,
            |builder| builder.chunk(CHUNK),
            |builder| builder.chunk(CHUNK).lzf(),
            |builder| builder.chunk(CHUNK).deflate(4).fletcher32(),
        ];
        for set_up in set_ups {
            assert!(sample(whole, set_up)?.find().is_none());
        }
        assert!(sample(|value| value as u64, deflated)?.find().is_none());
        assert!(sample(|value| value > 0, deflated)?.find().is_none());
        assert!(sample(whole, deflated)?.find().is_some());
        Ok(())
    }

    #[test]
    fn chunks_that_are_not_there_are_left_to_hdf5() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let file = hdf5::File::create(folder.path().join("x.h5"))?;
        let dataset = deflated(file.new_dataset_builder())
            .empty::<i32>()
            .shape(N_VALUES)
            .create("x")?;
        dataset.write_slice(&Array1::<i32>::ones(CHUNK), CHUNK..2 * CHUNK)?;
        file.flush()?;
        assert!(Deflated::find(&dataset).is_none());
        Ok(())
    }

    #[test]
    fn a_damaged_chunk_is_not_read() -> Result<(), Box<dyn Error>> {
        let sample = sample(|value| value as f32, deflated)?;
        let found = sample.find().ok_or("not found")?;
        let Packed { address, bytes } = found.chunks[1];
        let file = File::options().write(true).open(&sample.path)?;
        file.write_all_at(&[0x55; 4], address + bytes as u64 / 2)?;
        assert_eq!(found.read::<f32>(0..N_VALUES), None);
        assert_eq!(
            found.read::<f32>(0..CHUNK).map(|values| values.len()),
            Some(CHUNK)
        );
        Ok(())
    }
}
