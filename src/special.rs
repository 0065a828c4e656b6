//! Elementary and gamma functions in branch-free float32, which compilers turn into vector code.
//!
//! libm's calls cannot be vectorised, and at n × genes entries per epoch they would cost more than the
//! matrix products. Errors are relative and below 3e-7 unless a function says otherwise.

/// eˣ for x in [−87, 88]; clamped outside.
///
/// Cody–Waite reduction to |r| ≤ ln 2 / 2, Taylor polynomial of degree 7 there.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    /// Adding and subtracting it rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let rounded = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let power = rounded - ROUND;
    let r = power.mul_add(-LN2_LOW, power.mul_add(-LN2_HIGH, x));
    let tail = r.mul_add(r.mul_add(1.0 / 5040.0, 1.0 / 720.0), 1.0 / 120.0);
    let head = r.mul_add(r.mul_add(tail, 1.0 / 24.0), 1.0 / 6.0);
    let series = r.mul_add(r.mul_add(r.mul_add(head, 0.5), 1.0), 1.0);
    // The lowest bits of the rounded number are the power as an integer: they become the exponent.
    series * f32::from_bits((rounded.to_bits() << 23).wrapping_add(0x3F80_0000))
}

/// ln x for normal positive x.
///
/// x = m·2ᵏ with m in [√½, √2); ln m = 2·artanh((m−1)/(m+1)) as an odd series.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    const SQRT_HALF_BITS: u32 = 0x3F35_04F3;
    let offset = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let power = ((offset as i32) >> 23) as f32;
    let m = f32::from_bits((offset & 0x007F_FFFF).wrapping_add(SQRT_HALF_BITS));
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    let tail = s2.mul_add(s2.mul_add(2.0 / 9.0, 2.0 / 7.0), 2.0 / 5.0);
    let tail = s2 * s2.mul_add(tail, 2.0 / 3.0);
    power.mul_add(std::f32::consts::LN_2, s.mul_add(tail, 2.0 * s))
}

/// ln(1 + u) for u ≥ 0, to full precision also near 0.
#[inline(always)]
pub fn ln_1p(u: f32) -> f32 {
    let w = 1.0 + u;
    let rounded = w - 1.0;
    // What adding 1 lost is restored by the slope (Kahan).
    let corrected = ln(w) * (u / if rounded == 0.0 { 1.0 } else { rounded });
    if rounded == 0.0 { u } else { corrected }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// 1 − eˣ for x ≤ 0, to full precision also near 0.
#[inline(always)]
pub fn one_minus_exp(x: f32) -> f32 {
    let nested = 1.0 + x * (1.0 / 5.0 + x * (1.0 / 30.0 + x * (1.0 / 210.0)));
    let series = -x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0) * nested)));
    if x > -0.5 { series } else { 1.0 - exp(x) }
}

/// ln(1 + eˣ).
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    x.max(0.0) + ln_1p(exp(-x.abs()))
}

/// cos 2πx and sin 2πx for x in [−½, ½]; absolute error below 1e-6.
///
/// Taylor polynomials at half the angle, where they are short, and the double-angle formulas.
#[inline(always)]
pub fn circle(x: f32) -> (f32, f32) {
    let a = x * std::f32::consts::PI;
    let a2 = a * a;
    let sine = a2.mul_add(-1.0 / 39_916_800.0, 1.0 / 362_880.0);
    let sine = a2.mul_add(a2.mul_add(sine, -1.0 / 5040.0), 1.0 / 120.0);
    let sine = a * a2.mul_add(a2.mul_add(sine, -1.0 / 6.0), 1.0);
    let cosine = a2.mul_add(1.0 / 479_001_600.0, -1.0 / 3_628_800.0);
    let cosine = a2.mul_add(a2.mul_add(cosine, 1.0 / 40_320.0), -1.0 / 720.0);
    let cosine = a2.mul_add(a2.mul_add(cosine, 1.0 / 24.0), -0.5);
    let cosine = a2.mul_add(cosine, 1.0);
    (1.0 - 2.0 * sine * sine, 2.0 * sine * cosine)
}

/// Sum in double precision, always in the same order: sixteen partial sums, then these.
#[inline(always)]
pub fn sum(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    let chunks = values.chunks_exact(lanes.len());
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(value);
        }
    }
    let rest = rest.iter().map(|&value| f64::from(value));
    lanes.into_iter().chain(rest).sum()
}

/// Differences lnΓ(a) − lnΓ(b) and ψ(a) − ψ(b).
#[derive(Debug, Clone, Copy)]
pub struct GammaDifference {
    /// lnΓ(a) − lnΓ(b).
    pub ln_gamma: f32,
    /// ψ(a) − ψ(b).
    pub digamma: f32,
}

/// [`GammaDifference`] for a, b > 0; absolute error below 1e-6 times the largest value involved, or 6e-6 where
/// those are below 6.
///
/// Both arguments are raised by 6 through Γ(x+1) = xΓ(x), where Stirling's series converges
/// (Abramowitz & Stegun 6.1.40, 6.3.18); products are taken three at a time, so that none overflows.
#[inline(always)]
pub fn gamma_difference(a: f32, b: f32) -> GammaDifference {
    let (mut low, mut high, mut reciprocals) = (1.0_f32, 1.0_f32, 0.0_f32);
    for step in 0..3 {
        let (i, j) = (step as f32, (step + 3) as f32);
        low *= (a + i) / (b + i);
        high *= (a + j) / (b + j);
        reciprocals += 1.0 / (b + i) - 1.0 / (a + i) + (1.0 / (b + j) - 1.0 / (a + j));
    }
    let (a, b) = (a + 6.0, b + 6.0);
    let (ln_a, ln_b) = (ln(a), ln(b));
    let stirling = (a - 0.5) * ln_a - (b - 0.5) * ln_b - (a - b) + (series(a) - series(b));
    GammaDifference {
        ln_gamma: stirling - (ln(low) + ln(high)),
        digamma: (ln_a - ln_b) + (slope(a) - slope(b)) + reciprocals,
    }
}

/// 1/(12x) − 1/(360x³) + 1/(1260x⁵)
#[inline(always)]
fn series(x: f32) -> f32 {
    let (t, t2) = (1.0 / x, 1.0 / (x * x));
    t * (1.0 / 12.0 - t2 * (1.0 / 360.0 - t2 * (1.0 / 1260.0)))
}

/// −1/(2x) − 1/(12x²) + 1/(120x⁴) − 1/(252x⁶)
#[inline(always)]
fn slope(x: f32) -> f32 {
    let (t, t2) = (1.0 / x, 1.0 / (x * x));
    -0.5 * t - t2 * (1.0 / 12.0 - t2 * (1.0 / 120.0 - t2 * (1.0 / 252.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Tensor;

    /// Points spread evenly in the logarithm from `from` to `to`.
    fn grid(from: f64, to: f64) -> impl Iterator<Item = f32> {
        (0..=2000).map(move |i| (from * (to / from).powf(f64::from(i) / 2000.0)) as f32)
    }

    #[track_caller]
    fn assert_close(got: f32, expected: f64, tolerance: f64) {
        let error = (f64::from(got) - expected).abs();
        assert!(
            error <= tolerance * expected.abs().max(1e-30),
            "{got} is not {expected}"
        );
    }

    #[test]
    fn exp_and_sigmoid_and_softplus_match_libm() {
        for x in (-860..=870).map(|i| i as f32 / 10.0 + 0.0137) {
            assert_close(exp(x), f64::from(x).exp(), 3e-7);
            assert_close(sigmoid(x), 1.0 / (1.0 + (-f64::from(x)).exp()), 4e-7);
            assert_close(softplus(x), f64::from(x).exp().ln_1p(), 4e-7);
        }
    }

    #[test]
    fn the_circle_matches_libm() {
        for i in -1000..=1000 {
            let x = i as f32 / 2000.0;
            let (sine, cosine) = (f64::from(x) * std::f64::consts::TAU).sin_cos();
            let found = circle(x);
            assert!((f64::from(found.0) - cosine).abs() < 1e-6, "{x}: {found:?}");
            assert!((f64::from(found.1) - sine).abs() < 1e-6, "{x}: {found:?}");
        }
    }

    #[test]
    fn one_minus_exp_matches_libm() {
        for x in grid(1e-10, 80.0) {
            assert_close(one_minus_exp(-x), -f64::from(-x).exp_m1(), 4e-7);
        }
    }

    #[test]
    fn logarithms_match_libm() {
        for x in grid(1e-12, 1e12) {
            let expected = f64::from(x).ln();
            assert!(
                (f64::from(ln(x)) - expected).abs() <= 3e-7 * expected.abs().max(0.4),
                "{x}"
            );
            assert_close(ln_1p(x), f64::from(x).ln_1p(), 4e-7);
        }
    }

    #[test]
    fn gamma_differences_match_libtorch_in_double_precision() {
        for a in grid(1e-4, 1e3) {
            for y in [1.0_f32, 2.0, 7.0, 40.0, 1e3, 1e6] {
                let arguments = Tensor::from_slice(&[f64::from(a), f64::from(a + y)]);
                let difference = |t: Tensor| t.double_value(&[0]) - t.double_value(&[1]);
                let got = gamma_difference(a, a + y);
                let size = |t: Tensor| t.abs().max().double_value(&[]);
                let tolerance = 1e-6 * size(arguments.lgamma()).max(6.0);
                let expected = difference(arguments.lgamma());
                assert!(
                    (f64::from(got.ln_gamma) - expected).abs() < tolerance,
                    "{a} {y}: {got:?}, {expected}"
                );
                let tolerance = 1e-6 * size(arguments.digamma()).max(6.0);
                let expected = difference(arguments.digamma());
                assert!(
                    (f64::from(got.digamma) - expected).abs() < tolerance,
                    "{a} {y}: {got:?}, {expected}"
                );
            }
        }
    }
}
