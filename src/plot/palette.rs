//! Colours that stay apart, also for readers who do not tell red from green.

use plotters::style::RGBColor;

/// The first colours: Okabe & Ito's palette without black and yellow, <https://jfly.uni-koeln.de/color/>.
const FIRST: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// The colour of cells without a label.
pub(super) const UNLABELLED: RGBColor = RGBColor(211, 211, 211);

/// Steps of red, green and blue among which further colours are looked for.
const LEVELS: [u8; 14] = [
    0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 255,
];

/// Lightness that stands out from a white ground and is not taken for black.
const LIGHTNESS: std::ops::Range<f64> = 0.34..0.83;

/// Colourfulness: less is taken for the grey of cells without a label, more glares.
const CHROMA: std::ops::Range<f64> = 0.06..0.2;

/// Colour vision without the long-wave cones, on linear RGB (Machado, Oliveira & Fernandes 2009,
/// doi:10.1109/TVCG.2009.113).
const PROTANOPIA: Matrix = [
    [0.152_286, 1.052_583, -0.204_868],
    [0.114_503, 0.786_281, 0.099_216],
    [-0.003_882, -0.048_116, 1.051_998],
];

/// Colour vision without the medium-wave cones; source as for [`PROTANOPIA`].
const DEUTERANOPIA: Matrix = [
    [0.367_322, 0.860_646, -0.227_968],
    [0.280_085, 0.672_501, 0.047_413],
    [-0.011_820, 0.042_940, 0.968_881],
];

/// Linear RGB to cone responses and these to Oklab (Ottosson 2020, <https://bottosson.github.io/posts/oklab/>).
const TO_CONES: Matrix = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];
/// See [`TO_CONES`].
const TO_LAB: Matrix = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];

type Vector = [f64; 3];
type Matrix = [Vector; 3];

/// `n` colours, each as far as can be from those before it: a cluster keeps its colour when others are added.
pub(super) fn palette(n: usize) -> Vec<RGBColor> {
    let mut colors: Vec<RGBColor> = FIRST.into_iter().take(n).collect();
    let mut chosen: Vec<Seen> = colors.iter().map(|&color| Seen::new(color)).collect();
    let candidates = candidates();
    let mut closest: Vec<f64> = candidates
        .iter()
        .map(|(_, seen)| {
            let distances = chosen.iter().map(|other| seen.distance(other));
            distances.fold(f64::INFINITY, f64::min)
        })
        .collect();
    while colors.len() < n {
        let best = (1..candidates.len()).fold(0, |best, candidate| {
            if closest[candidate] > closest[best] {
                candidate
            } else {
                best
            }
        });
        let (color, seen) = candidates[best];
        colors.push(color);
        chosen.push(seen);
        for (closest, (_, candidate)) in closest.iter_mut().zip(&candidates) {
            *closest = closest.min(candidate.distance(&seen));
        }
    }
    colors
}

/// The colours of `n` labels as CSS writes them: `#0072b2`.
#[must_use]
pub fn hex_colors(n: usize) -> Vec<String> {
    palette(n).into_iter().map(hex).collect()
}

/// A colour as `#rrggbb`.
pub(super) fn hex(RGBColor(r, g, b): RGBColor) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn candidates() -> Vec<(RGBColor, Seen)> {
    let levels = || LEVELS.into_iter();
    levels()
        .flat_map(|r| levels().flat_map(move |g| levels().map(move |b| RGBColor(r, g, b))))
        .map(|color| (color, Seen::new(color)))
        .filter(|(_, seen)| {
            let [lightness, a, b] = seen.normal;
            LIGHTNESS.contains(&lightness) && CHROMA.contains(&a.hypot(b))
        })
        .collect()
}

/// A colour in Oklab, as it is seen with and without all cones.
#[derive(Clone, Copy)]
struct Seen {
    normal: Vector,
    without_long: Vector,
    without_medium: Vector,
}

impl Seen {
    fn new(RGBColor(r, g, b): RGBColor) -> Self {
        let linear = [r, g, b].map(linear);
        let simulated = |matrix| oklab(times(matrix, linear).map(|value| value.clamp(0.0, 1.0)));
        Self {
            normal: oklab(linear),
            without_long: simulated(&PROTANOPIA),
            without_medium: simulated(&DEUTERANOPIA),
        }
    }

    /// How well two colours are told apart: by most readers, plus by those for whom they are more alike.
    fn distance(&self, other: &Self) -> f64 {
        let weak = distance(self.without_long, other.without_long)
            .min(distance(self.without_medium, other.without_medium));
        distance(self.normal, other.normal) + weak
    }
}

/// sRGB's transfer function, undone.
fn linear(value: u8) -> f64 {
    let value = f64::from(value) / 255.0;
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

fn oklab(linear: Vector) -> Vector {
    times(&TO_LAB, times(&TO_CONES, linear).map(f64::cbrt))
}

fn times(matrix: &Matrix, vector: Vector) -> Vector {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

fn distance(a: Vector, b: Vector) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least distance between two of the colours, by `measure`.
    fn closest(colors: &[RGBColor], measure: impl Fn(&Seen, &Seen) -> f64) -> f64 {
        let seen: Vec<Seen> = colors.iter().map(|&color| Seen::new(color)).collect();
        let pairs = (0..seen.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        pairs
            .map(|(i, j)| measure(&seen[i], &seen[j]))
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn oklab_of_white_and_red_are_the_published_values() {
        for (color, expected) in [
            (RGBColor(255, 255, 255), [1.0, 0.0, 0.0]),
            (RGBColor(255, 0, 0), [0.627_955, 0.224_863, 0.125_846]),
        ] {
            assert!(distance(Seen::new(color).normal, expected) < 1e-4);
        }
    }

    #[test]
    fn colours_stay_apart() {
        // 0.02 is about the least difference that is seen at all
        for (n, normal, weak) in [(8, 0.12, 0.05), (40, 0.05, 0.01)] {
            let colors = palette(n);
            assert_eq!(colors.len(), n);
            let all_cones = closest(&colors, |a, b| distance(a.normal, b.normal));
            let no_medium = closest(&colors, |a, b| distance(a.without_medium, b.without_medium));
            println!("{n} {all_cones} {no_medium}");
            assert!(all_cones > normal, "{n}: {all_cones}");
            assert!(no_medium > weak, "{n}: {no_medium}");
        }
    }

    #[test]
    fn a_cluster_keeps_its_colour_when_others_are_added() {
        assert_eq!(palette(30)[..12], palette(12)[..]);
        assert!(palette(0).is_empty());
    }
}
