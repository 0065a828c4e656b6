//! The randomness of training: multiplicative input noise and query dropout.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use tch::Tensor;

use super::{
    tape::Tape,
    tensor::{values, values_mut},
};
use crate::special::{circle, ln};

/// Standard deviation of the multiplicative noise.
const NOISE: f32 = 0.1;

/// Share of the query entries that dropout sets to 0.
const DROPOUT: f64 = 0.2;

/// Entries of a task, even: results do not depend on how many threads there are.
const CHUNK: usize = 1 << 14;

/// Where a forward pass takes its noise from.
#[derive(Debug)]
pub enum Noise {
    /// No noise: the model embeds.
    Off,
    /// Training: the n-th draw of a seed.
    Seeded {
        /// The run's noise seed.
        seed: u64,
        /// Number of draws so far.
        draws: u64,
    },
}

impl Noise {
    /// Noise that repeats for the same `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded { seed, draws: 0 }
    }

    /// `x + 0.1·x·ε` with ε ~ N(0, 1) independent for every entry; the gradient passes as through `x`.
    #[must_use]
    pub fn corrupt(&mut self, x: &Tensor, tape: &mut Tape) -> Tensor {
        let Some(key) = self.next_key() else {
            return x.shallow_clone();
        };
        let noisy = if x.device().is_cuda() {
            tch::no_grad(|| x + x * (x.randn_like() * f64::from(NOISE)))
        } else {
            by_chunk(&x.detach(), |input, out, first| {
                Arch::new().dispatch(Corrupt {
                    input,
                    out,
                    first,
                    key,
                });
            })
        };
        tape.join(&[x], noisy, |gradient| vec![gradient.shallow_clone()])
    }

    /// Dropout of the queries: entries are 0 with probability 0.2, the others grow by 1/0.8.
    #[must_use]
    pub fn drop_queries(&mut self, queries: &Tensor, tape: &mut Tape) -> Tensor {
        let Some(key) = self.next_key() else {
            return queries.shallow_clone();
        };
        if queries.device().is_cuda() {
            return queries.dropout(DROPOUT, true);
        }
        let drop = move |x: &Tensor| {
            by_chunk(x, |input, out, first| {
                Arch::new().dispatch(Drop {
                    input,
                    out,
                    first,
                    key,
                });
            })
        };
        tape.join(&[queries], drop(&queries.detach()), move |gradient| {
            vec![drop(gradient)]
        })
    }

    fn next_key(&mut self) -> Option<Key> {
        match self {
            Self::Off => None,
            Self::Seeded { seed, draws } => {
                *draws += 1;
                let mixed = seed.wrapping_add(draws.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                Some(Key(scramble(mixed as u32), scramble((mixed >> 32) as u32)))
            }
        }
    }
}

/// What tells the random numbers of one draw from those of the others.
#[derive(Debug, Clone, Copy)]
struct Key(u32, u32);

impl Key {
    /// The random bits of an entry: a function of its place alone.
    #[inline(always)]
    fn bits(self, place: u32) -> u32 {
        scramble(scramble(place ^ self.0).wrapping_add(self.1))
    }
}

/// A bijection of 32 bits without visible pattern (C. Wellons' `lowbias32`).
#[inline(always)]
fn scramble(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

/// The upper 24 bits as a number from 0 to 1, 1 excluded.
#[inline(always)]
fn fraction(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// A tensor made of `x` chunk by chunk, in parallel: `fill(input, output, place of the first entry)`.
fn by_chunk(x: &Tensor, fill: impl Fn(&[f32], &mut [f32], u32) + Sync) -> Tensor {
    let input = x.contiguous();
    let mut out = input.empty_like();
    values_mut(&mut out)
        .par_chunks_mut(CHUNK)
        .zip(values(&input).par_chunks(CHUNK))
        .enumerate()
        .for_each(|(chunk, (out, input))| fill(input, out, (chunk * CHUNK) as u32));
    out
}

/// Input noise as vector code: two normal numbers from two uniform ones (Box & Muller 1958).
struct Corrupt<'a> {
    input: &'a [f32],
    out: &'a mut [f32],
    first: u32,
    key: Key,
}

impl WithSimd for Corrupt<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let half = self.input.len().div_ceil(2);
        let (left, right) = self.input.split_at(half);
        let (out_left, out_right) = self.out.split_at_mut(half);
        for (i, (out, &x)) in out_left.iter_mut().zip(left).enumerate() {
            let (cosine, _) = self.key.normals(self.first.wrapping_add(i as u32));
            *out = x + NOISE * x * cosine;
        }
        for (i, (out, &x)) in out_right.iter_mut().zip(right).enumerate() {
            let (_, sine) = self.key.normals(self.first.wrapping_add(i as u32));
            *out = x + NOISE * x * sine;
        }
    }
}

impl Key {
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
struct Drop<'a> {
    input: &'a [f32],
    out: &'a mut [f32],
    first: u32,
    key: Key,
}

impl WithSimd for Drop<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const THRESHOLD: u32 = (DROPOUT * (1_u64 << 32) as f64) as u32;
        for (i, (out, &x)) in self.out.iter_mut().zip(self.input).enumerate() {
            let kept = self.key.bits(self.first.wrapping_add(i as u32)) >= THRESHOLD;
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
    use tch::Kind;

    #[test]
    fn corruption_has_the_stated_size_and_repeats() {
        let x = Tensor::ones([100, 1000], tch::kind::FLOAT_CPU);
        let noisy = Noise::seeded(3).corrupt(&x, &mut Tape::default());
        assert!(noisy.equal(&Noise::seeded(3).corrupt(&x, &mut Tape::default())));
        assert!(!noisy.equal(&Noise::seeded(4).corrupt(&x, &mut Tape::default())));
        assert!((noisy.std(false).double_value(&[]) - 0.1).abs() < 2e-3);
        assert!((noisy.mean(Kind::Float).double_value(&[]) - 1.0).abs() < 2e-3);
    }

    #[test]
    fn successive_draws_differ() {
        let x = Tensor::ones([10, 10], tch::kind::FLOAT_CPU);
        let mut noise = Noise::seeded(3);
        assert!(
            !noise
                .corrupt(&x, &mut Tape::default())
                .equal(&noise.corrupt(&x, &mut Tape::default()))
        );
    }

    #[test]
    fn dropout_keeps_the_mean() {
        let dropped = Noise::seeded(3).drop_queries(
            &Tensor::ones([100, 1000], tch::kind::FLOAT_CPU),
            &mut Tape::default(),
        );
        let zeros = dropped
            .eq(0.0)
            .to_kind(Kind::Float)
            .mean(Kind::Float)
            .double_value(&[]);
        assert!((zeros - 0.2).abs() < 5e-3, "{zeros}");
        assert!((dropped.mean(Kind::Float).double_value(&[]) - 1.0).abs() < 1e-2);
    }

    #[test]
    fn no_noise_changes_nothing() {
        let x = Tensor::arange(6, tch::kind::FLOAT_CPU).view([2, 3]);
        assert!(Noise::Off.corrupt(&x, &mut Tape::default()).equal(&x));
        assert!(Noise::Off.drop_queries(&x, &mut Tape::default()).equal(&x));
    }
}
