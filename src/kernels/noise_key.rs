//! Random bits that depend on a draw and a place alone, so that they are the same whatever the threads.

/// Entries whose random numbers are drawn together, even.
pub(super) const CHUNK: usize = 1 << 14;

/// What tells the random numbers of one draw from those of the others.
#[derive(Debug, Clone, Copy)]
pub struct NoiseKey(pub(super) u32, pub(super) u32);

impl NoiseKey {
    /// The key of the `draw`-th draw of a seed.
    #[must_use]
    pub fn new(seed: u64, draw: u64) -> Self {
        let mixed = seed.wrapping_add(draw.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self(scramble(mixed as u32), scramble((mixed >> 32) as u32))
    }

    /// The random bits of an entry: a function of its place alone.
    #[inline(always)]
    pub(super) fn bits(self, place: u32) -> u32 {
        scramble(scramble(place ^ self.0).wrapping_add(self.1))
    }
}

/// A bijection of 32 bits without visible pattern (C. Wellons' `lowbias32`).
#[inline(always)]
pub(super) fn scramble(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

/// The upper 24 bits as a number from 0 to 1, 1 excluded.
#[inline(always)]
pub(super) fn fraction(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}
