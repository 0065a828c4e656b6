//! Input noise and dropout in libtorch's operations: the CPU's random numbers, place by place, to rounding.
//!
//! Bits are held in 32-bit integers, whose products and sums wrap around as the CPU's unsigned ones do; only a shift to the right
//! has to be rid of the copies of the sign that it moves in.

use tch::{Device, Kind, Tensor};

use crate::kernels::{
    DROPOUT, NOISE,
    noise_key::{CHUNK, NoiseKey},
};

/// Entries whose noise is drawn at a time, a multiple of [`CHUNK`]: about ten numbers of 4 bytes lie beside each of them meanwhile.
const AT_A_TIME: i64 = 128 * CHUNK as i64;

/// `x + 0.1·x·ε`, without its gradient.
pub(super) fn corrupt(x: &Tensor, key: NoiseKey) -> Tensor {
    let noisy = x.contiguous().copy();
    let (entries, n) = (noisy.view([-1]), x.numel() as i64);
    for start in (0..n).step_by(AT_A_TIME as usize) {
        let length = AT_A_TIME.min(n - start);
        let normal = normal(start, length, key, x.device());
        let mut some = entries.narrow(0, start, length);
        let _ = some.addcmul_(&some.copy(), &(normal * f64::from(NOISE)));
    }
    noisy
}

/// What the entries of `size` are multiplied by in dropout: 0 with probability 0.2, else 1/0.8.
pub(super) fn kept(size: &[i64], key: NoiseKey, device: Device) -> Tensor {
    // Unsigned numbers are in the order of signed ones whose highest bit is turned over.
    let threshold = (DROPOUT * (1_i64 << 32) as f64) as i64 + i64::from(i32::MIN);
    let n = size.iter().product::<i64>();
    let kept = Tensor::empty([n], (Kind::Float, device));
    for start in (0..n).step_by(AT_A_TIME as usize) {
        let length = AT_A_TIME.min(n - start);
        let bits = bits(places(start, length, device), key);
        let is_kept = bits.bitwise_xor(i64::from(i32::MIN)).ge(threshold);
        kept.narrow(0, start, length)
            .copy_(&(is_kept.to_kind(Kind::Float) / (1.0 - DROPOUT)));
    }
    kept.view(size)
}

/// Normal random numbers of `length` entries from `start` on, a multiple of [`CHUNK`]: whole chunks, and in the end maybe a part.
///
/// Within a chunk, the first half of the entries takes the cosines of the pairs at their places, the second half the sines of the
/// same places.
fn normal(start: i64, length: i64, key: NoiseKey, device: Device) -> Tensor {
    let chunk = CHUNK as i64;
    let whole = length / chunk;
    let mut parts = Vec::with_capacity(2);
    if whole > 0 {
        let first = places(start, whole * chunk, device).view([whole, chunk]);
        parts.push(pairs(first.narrow(1, 0, chunk / 2), chunk / 2, key).flatten(0, -1));
    }
    let rest = length - whole * chunk;
    if rest > 0 {
        let half = (rest + 1) / 2;
        let first = places(start + whole * chunk, half, device).view([1, half]);
        parts.push(pairs(first, rest - half, key).flatten(0, -1));
    }
    Tensor::cat(&parts, 0)
}

/// Chunks × places: the cosines of the pairs at these places, then the sines of the first `n_sines` of them.
fn pairs(places: Tensor, n_sines: i64, key: NoiseKey) -> Tensor {
    let bits = bits(places, key);
    let radius = (fraction(&bits).neg() + 1.0).log_() * -2.0;
    let radius = radius.sqrt();
    let angle =
        (fraction(&scramble(bits.bitwise_xor(signed(key.1)))) - 0.5) * std::f64::consts::TAU;
    let sines = (angle.sin() * &radius).narrow(1, 0, n_sines);
    Tensor::cat(&[angle.cos() * radius, sines], 1)
}

/// The places of some entries, of which the lower 32 bits count.
fn places(start: i64, length: i64, device: Device) -> Tensor {
    Tensor::arange_start(start, start + length, (Kind::Int64, device)).to_kind(Kind::Int)
}

/// The same 32 bits as a signed number.
fn signed(bits: u32) -> i64 {
    i64::from(bits.cast_signed())
}

/// The random bits of places, as [`NoiseKey::bits`].
fn bits(mut places: Tensor, key: NoiseKey) -> Tensor {
    let _ = places.bitwise_xor_(signed(key.0));
    let mut first = scramble(places);
    let _ = first.g_add_scalar_(signed(key.1));
    scramble(first)
}

/// As [`scramble`](crate::kernels::noise_key::scramble).
fn scramble(mut x: Tensor) -> Tensor {
    let fold = |x: &mut Tensor, by: i64| {
        let mut upper = x.bitwise_right_shift_tensor_scalar(by);
        let _ = upper.bitwise_and_((1 << (32 - by)) - 1);
        let _ = x.bitwise_xor_tensor_(&upper);
    };
    fold(&mut x, 16);
    let _ = x.g_mul_scalar_(signed(0x7FEB_352D));
    fold(&mut x, 15);
    let _ = x.g_mul_scalar_(signed(0x846C_A68B));
    fold(&mut x, 16);
    x
}

/// The upper 24 bits as a number from 0 to 1, 1 excluded.
fn fraction(bits: &Tensor) -> Tensor {
    bits.bitwise_right_shift_tensor_scalar(8)
        .bitwise_and(0x00FF_FFFF)
        .to_kind(Kind::Float)
        * (1.0 / 16_777_216.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{
        Kernels, Tape,
        cpu::{self, Cpu},
        gpu::Gpu,
    };

    #[test]
    fn noise_and_dropout_are_the_cpus() {
        // More than two chunks, the last of them odd; and more than are drawn at a time.
        for (n_rows, n_columns) in [(13, 3077), (1, 5), (701, 3001)] {
            let n = n_rows * n_columns;
            let x = Tensor::linspace(-2.0, 2.0, n, tch::kind::FLOAT_CPU).view([n_rows, n_columns]);
            same_as_the_cpus(&x, NoiseKey::new(7, 3));
        }
    }

    fn same_as_the_cpus(x: &Tensor, key: NoiseKey) {
        let tape = &mut Tape::default();
        let (found, expected) = (Gpu.corrupt(x, key, tape), Cpu.corrupt(x, key, tape));
        assert!(found.allclose(&expected, 1e-4, 1e-5, false));
        let found = x * kept(&x.size(), key, x.device());
        let expected = cpu::noise::drop_entries(x, key);
        assert!(found.allclose(&expected, 1e-6, 1e-7, false));
    }
}
