//! Sweeps over a row of numbers, as vector code.

use pulp::{Arch, Simd, WithSimd};

/// Numbers that are looked at together.
const LANES: usize = 32;

/// Sweeps with the widest registers that the processor has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sweep(Arch);

impl Sweep {
    pub(super) fn new() -> Self {
        Self(Arch::new())
    }

    /// Where the first number is that is at least as large as `least`.
    pub(super) fn first_at_least(self, values: &[f32], least: f32) -> Option<usize> {
        let is_wanted = |value| value >= least;
        self.0.dispatch(First { values, is_wanted })
    }

    /// Where the first number is that is smaller than `limit`.
    pub(super) fn first_below(self, values: &[f32], limit: f32) -> Option<usize> {
        let is_wanted = |value| value < limit;
        self.0.dispatch(First { values, is_wanted })
    }

    /// Where the largest number is, the first of equals; 0 of none.
    pub(super) fn largest(self, values: &[f32]) -> usize {
        let largest = self.0.dispatch(Largest { values });
        self.first_at_least(values, largest).unwrap_or(0)
    }
}

struct First<'a, F> {
    values: &'a [f32],
    is_wanted: F,
}

impl<F: Fn(f32) -> bool> WithSimd for First<'_, F> {
    type Output = Option<usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let (runs, rest) = self.values.as_chunks::<LANES>();
        for (run, values) in runs.iter().enumerate() {
            let mut any = false;
            for &value in values {
                any |= (self.is_wanted)(value);
            }
            if any {
                let place = values.iter().position(|&value| (self.is_wanted)(value));
                return place.map(|place| run * LANES + place);
            }
        }
        let place = rest.iter().position(|&value| (self.is_wanted)(value))?;
        Some(runs.len() * LANES + place)
    }
}

struct Largest<'a> {
    values: &'a [f32],
}

impl WithSimd for Largest<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let (runs, rest) = self.values.as_chunks::<LANES>();
        let mut largest = [f32::NEG_INFINITY; LANES];
        for values in runs {
            for (largest, &value) in largest.iter_mut().zip(values) {
                *largest = larger(*largest, value);
            }
        }
        largest
            .iter()
            .chain(rest)
            .fold(f32::NEG_INFINITY, |a, &b| larger(a, b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_one_number_at_a_time() {
        let values: Vec<f32> = (0..100).map(|i| ((i * 37) % 101) as f32).collect();
        let sweep = Sweep::new();
        for length in [0, 1, 31, 32, 33, 64, 100] {
            let values = &values[..length];
            for least in [0.0, 50.0, 99.5, 100.0, 101.0] {
                let first = values.iter().position(|&value| value >= least);
                assert_eq!(sweep.first_at_least(values, least), first);
                let first = values.iter().position(|&value| value < least);
                assert_eq!(sweep.first_below(values, least), first);
            }
            let largest = (0..length).max_by(|&a, &b| values[a].total_cmp(&values[b]));
            assert_eq!(sweep.largest(values), largest.unwrap_or(0));
        }
        assert_eq!(sweep.largest(&[1.0, 3.0, 3.0]), 1);
    }
}
