//! Input noise and dropout on the CPU: every entry's random number follows from its place alone.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use tch::Tensor;

use crate::{
    kernels::{
        DROPOUT, NOISE,
        noise_key::{CHUNK, NoiseKey, fraction, scramble},
        tensor::{values, values_mut},
    },
    special::{circle, ln},
};

/// `x + 0.1·x·ε`, without its gradient.
pub(super) fn corrupt(x: &Tensor, key: NoiseKey) -> Tensor {
    by_chunk(x, key, |chunk| Arch::new().dispatch(Corrupt(chunk)))
}

/// Entries are 0 with probability 0.2, the others grow by 1/0.8; without its gradient.
pub(in crate::kernels) fn drop_entries(x: &Tensor, key: NoiseKey) -> Tensor {
    by_chunk(x, key, |chunk| Arch::new().dispatch(Drop(chunk)))
}

/// A run of a tensor's entries, what is made of them, and what their random numbers follow from.
struct Chunk<'a> {
    input: &'a [f32],
    out: &'a mut [f32],
    /// The place of the first entry.
    first: u32,
    key: NoiseKey,
}

/// A tensor made of `x` chunk by chunk, in parallel.
fn by_chunk(x: &Tensor, key: NoiseKey, fill: impl Fn(Chunk<'_>) + Sync) -> Tensor {
    let input = x.contiguous();
    let mut made = input.empty_like();
    values_mut(&mut made)
        .par_chunks_mut(CHUNK)
        .zip(values(&input).par_chunks(CHUNK))
        .enumerate()
        .for_each(|(chunk, (out, input))| {
            fill(Chunk {
                input,
                out,
                first: (chunk * CHUNK) as u32,
                key,
            });
        });
    made
}

/// Input noise as vector code: two normal numbers from two uniform ones (Box & Muller 1958).
struct Corrupt<'a>(Chunk<'a>);

impl WithSimd for Corrupt<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Chunk {
            input,
            out,
            first,
            key,
        } = self.0;
        let half = input.len().div_ceil(2);
        let (left, right) = input.split_at(half);
        let (out_left, out_right) = out.split_at_mut(half);
        for (i, (out, &x)) in out_left.iter_mut().zip(left).enumerate() {
            let (cosine, _) = key.normals(first.wrapping_add(i as u32));
            *out = x + NOISE * x * cosine;
        }
        for (i, (out, &x)) in out_right.iter_mut().zip(right).enumerate() {
            let (_, sine) = key.normals(first.wrapping_add(i as u32));
            *out = x + NOISE * x * sine;
        }
    }
}

impl NoiseKey {
    /// Two independent N(0, 1) numbers.
    #[inline(always)]
    fn normals(self, place: u32) -> (f32, f32) {
        let bits = self.bits(place);
        let radius = (-2.0 * ln(1.0 - fraction(bits))).sqrt();
        let (cosine, sine) = circle(fraction(scramble(bits ^ self.1)) - 0.5);
        (radius * cosine, radius * sine)
    }
}

/// Dropout as vector code.
struct Drop<'a>(Chunk<'a>);

impl WithSimd for Drop<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const THRESHOLD: u32 = (DROPOUT * (1_u64 << 32) as f64) as u32;
        let Chunk {
            input,
            out,
            first,
            key,
        } = self.0;
        for (i, (out, &x)) in out.iter_mut().zip(input).enumerate() {
            let kept = key.bits(first.wrapping_add(i as u32)) >= THRESHOLD;
            *out = if kept {
                x / (1.0 - DROPOUT as f32)
            } else {
                0.0
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, kind::FLOAT_CPU};

    #[test]
    fn dropout_keeps_the_mean() {
        let dropped = drop_entries(&Tensor::ones([100, 1000], FLOAT_CPU), NoiseKey::new(3, 1));
        let zeros = dropped.eq(0.0).to_kind(Kind::Float);
        let zeros = zeros.mean(Kind::Float).double_value(&[]);
        assert!((zeros - 0.2).abs() < 5e-3, "{zeros}");
        assert!((dropped.mean(Kind::Float).double_value(&[]) - 1.0).abs() < 1e-2);
    }
}
