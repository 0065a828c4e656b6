//! Text in HDF5: fixed or variable length, ASCII or UTF-8.

use hdf5::{
    Container, H5Type,
    types::{FixedAscii, FixedUnicode, TypeDescriptor, VarLenAscii, VarLenUnicode},
};

use super::{H5adError, element_path::ElementPath};

/// Whether values of this type are text.
pub(crate) fn is_text(dtype: &TypeDescriptor) -> bool {
    matches!(
        dtype,
        TypeDescriptor::FixedAscii(_)
            | TypeDescriptor::FixedUnicode(_)
            | TypeDescriptor::VarLenAscii
            | TypeDescriptor::VarLenUnicode
    )
}

/// HDF5 needs the width of a fixed text at compile time: the next of five widths is taken.
macro_rules! read_fixed {
    ($kind:ident, $size:expr, $container:expr) => {
        match $size {
            0..=16 => bytes::<$kind<16>>($container),
            17..=64 => bytes::<$kind<64>>($container),
            65..=256 => bytes::<$kind<256>>($container),
            257..=1024 => bytes::<$kind<1024>>($container),
            1025..=4096 => bytes::<$kind<4096>>($container),
            _ => Err(hdf5::Error::from("text wider than 4096 bytes")),
        }
    };
}

/// All texts of a dataset or an attribute, in row order.
pub(crate) fn read(container: &Container, place: &ElementPath) -> Result<Vec<String>, H5adError> {
    let dtype = place.ask(|| container.dtype()?.to_descriptor())?;
    if !is_text(&dtype) {
        return Err(place.encoding("text", dtype.to_string()));
    }
    // A text costs a pointer and an allocation on HDF5's side, and as much on ours.
    let room = (container.size() as u64).saturating_mul(256 + dtype.size() as u64);
    let bytes = place.guard(room, || match dtype {
        TypeDescriptor::FixedAscii(size) => read_fixed!(FixedAscii, size, container),
        TypeDescriptor::FixedUnicode(size) => read_fixed!(FixedUnicode, size, container),
        TypeDescriptor::VarLenAscii => bytes::<VarLenAscii>(container),
        _ => bytes::<VarLenUnicode>(container),
    });
    let bytes = bytes.map_err(|e| place.refused(e))?;
    let decoded = bytes.into_iter().enumerate().map(|(position, bytes)| {
        String::from_utf8(bytes).map_err(|_| H5adError::NotUtf8 {
            path: place.path(),
            element: place.element(),
            position,
        })
    });
    decoded.collect()
}

/// HDF5 does not check that its UTF-8 texts are: so only bytes are taken from it.
fn bytes<T: H5Type + AsRef<[u8]>>(container: &Container) -> hdf5::Result<Vec<Vec<u8>>> {
    let texts = container.read_raw::<T>()?;
    Ok(texts.iter().map(|text| text.as_ref().to_vec()).collect())
}
