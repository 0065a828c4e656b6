//! Arrays as short text: little-endian numbers, deflated (zlib), in base64.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use ndarray::ArrayView1;

/// The bytes, deflated, in base64.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let deflated = encoder.write_all(bytes).and_then(|()| encoder.finish());
    STANDARD.encode(deflated.unwrap_or_default())
}

/// Numbers below 65,536.
pub(super) fn shorts(numbers: impl IntoIterator<Item = usize>) -> String {
    let short = |number| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
    bytes(&numbers.into_iter().flat_map(short).collect::<Vec<u8>>())
}

/// Numbers below 2³².
pub(super) fn words(numbers: impl IntoIterator<Item = u32>) -> String {
    let numbers = numbers.into_iter().flat_map(u32::to_le_bytes);
    bytes(&numbers.collect::<Vec<u8>>())
}

/// Shares from 0 to 1 in 255 steps.
pub(super) fn shares(shares: impl IntoIterator<Item = f32>) -> String {
    let step = |share: f32| (share.clamp(0.0, 1.0) * 255.0).round() as u8;
    bytes(&shares.into_iter().map(step).collect::<Vec<u8>>())
}

/// Places along one axis in 65,535 steps of `extent` from `lowest`; those that are not finite lie in the middle.
pub(super) fn places(column: ArrayView1<f32>, drawn: &[usize], lowest: f32, extent: f32) -> String {
    let place = |&cell: &usize| {
        let share = (column[cell] - lowest) / extent;
        let share = if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.5
        };
        (share * 65_535.0).round() as usize
    };
    shorts(drawn.iter().map(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::ZlibDecoder;
    use std::io::Read;

    fn unpacked(text: &str) -> Vec<u8> {
        let deflated = STANDARD.decode(text).expect("base64");
        let mut bytes = Vec::new();
        ZlibDecoder::new(&deflated[..])
            .read_to_end(&mut bytes)
            .expect("zlib");
        bytes
    }

    #[test]
    fn numbers_come_back() {
        assert_eq!(unpacked(&shorts([1, 258, 70_000])), [1, 0, 2, 1, 255, 255]);
        assert_eq!(unpacked(&words([1 << 24])), [0, 0, 0, 1]);
        assert_eq!(unpacked(&shares([0.0, 0.5, 1.0, 2.0])), [0, 128, 255, 255]);
        let column = ndarray::array![-1.0, 1.0, f32::NAN];
        assert_eq!(
            unpacked(&places(column.view(), &[0, 1, 2], -1.0, 2.0)),
            [0, 0, 255, 255, 0, 128]
        );
    }
}
