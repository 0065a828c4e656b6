//! Input noise and dropout in libtorch's operations: the CPU's random numbers, place by place, to rounding.
//!
//! 32-bit arithmetic is done in 64-bit integers, whose lower halves are kept.

use tch::{Device, Kind, Tensor};

use crate::kernels::{
    DROPOUT, NOISE,
    noise_key::{CHUNK, NoiseKey},
};

const LOWER_HALF: i64 = 0xFFFF_FFFF;

/// `x + 0.1·x·ε`, without its gradient.
pub(super) fn corrupt(x: &Tensor, key: NoiseKey) -> Tensor {
    let (places, is_cosine) = places_of_pairs(x.numel() as i64, x.device());
    let bits = bits(&places, key);
    let radius = ((fraction(&bits).neg() + 1.0).log() * -2.0).sqrt();
    let angle =
        (fraction(&scramble(&bits.bitwise_xor(i64::from(key.1)))) - 0.5) * std::f64::consts::TAU;
    let normal = radius * angle.cos().where_self(&is_cosine, &angle.sin());
    x + x * normal.view(&x.size()[..]) * f64::from(NOISE)
}

/// What the entries of `size` are multiplied by in dropout: 0 with probability 0.2, else 1/0.8.
pub(super) fn kept(size: &[i64], key: NoiseKey, device: Device) -> Tensor {
    let threshold = (DROPOUT * (1_i64 << 32) as f64) as i64;
    let n = size.iter().product::<i64>();
    let places = Tensor::arange(n, (Kind::Int64, device)).bitwise_and(LOWER_HALF);
    let is_kept = bits(&places, key).ge(threshold).to_kind(Kind::Float);
    (is_kept / (1.0 - DROPOUT)).view(size)
}

/// The place whose pair of normal numbers each entry takes one of, and whether it takes the cosine's: within a chunk, the
/// first half of the entries takes those, the second half the sines of the same places.
fn places_of_pairs(n: i64, device: Device) -> (Tensor, Tensor) {
    let chunk = CHUNK as i64;
    let entry = Tensor::arange(n, (Kind::Int64, device));
    let within = entry.remainder(chunk);
    let start = &entry - &within;
    let half = ((start.neg() + n).clamp_max(chunk) + 1).divide_scalar_mode(2, "floor");
    let is_cosine = within.less_tensor(&half);
    let place = start + within.where_self(&is_cosine, &(&within - &half));
    (place.bitwise_and(LOWER_HALF), is_cosine)
}

/// The random bits of places, as [`NoiseKey::bits`].
fn bits(places: &Tensor, key: NoiseKey) -> Tensor {
    let first = scramble(&places.bitwise_xor(i64::from(key.0)));
    scramble(&(first + i64::from(key.1)).bitwise_and(LOWER_HALF))
}

/// As [`scramble`](crate::kernels::noise_key::scramble).
fn scramble(x: &Tensor) -> Tensor {
    let fold = |x: &Tensor, by: i64| x.bitwise_xor_tensor(&x.bitwise_right_shift_tensor_scalar(by));
    let x = times(&fold(x, 16), 0x7FEB_352D);
    let x = times(&fold(&x, 15), 0x846C_A68B);
    fold(&x, 16)
}

/// The lower half of a product, whose factors have 32 bits: no sum of parts has more than 49.
fn times(x: &Tensor, factor: i64) -> Tensor {
    let upper = x.bitwise_right_shift_tensor_scalar(16) * factor;
    let upper = upper
        .bitwise_and(0xFFFF)
        .bitwise_left_shift_tensor_scalar(16);
    (x.bitwise_and(0xFFFF) * factor + upper).bitwise_and(LOWER_HALF)
}

/// The upper 24 bits as a number from 0 to 1, 1 excluded.
fn fraction(bits: &Tensor) -> Tensor {
    bits.bitwise_right_shift_tensor_scalar(8)
        .to_kind(Kind::Float)
        * (1.0 / 16_777_216.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Kernels, Tape, cpu::Cpu, gpu::Gpu};

    #[test]
    fn noise_and_dropout_are_the_cpus() {
        // More than two chunks, the last of them odd.
        let x = Tensor::linspace(-2.0, 2.0, 40_001, tch::kind::FLOAT_CPU).view([13, 3077]);
        let key = NoiseKey::new(7, 3);
        let tape = &mut Tape::default();
        let (found, expected) = (Gpu.corrupt(&x, key, tape), Cpu.corrupt(&x, key, tape));
        assert!(found.allclose(&expected, 1e-4, 1e-5, false));
        let (found, expected) = (
            Gpu.drop_entries(&x, key, tape),
            Cpu.drop_entries(&x, key, tape),
        );
        assert!(found.allclose(&expected, 1e-6, 1e-7, false));
    }
}
