//! Batch normalisation of what a ReLU lets pass, on the CPU.
//!
//! Every sum is one task's, over cells in their order and in double precision: results do not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;
use tch::{Kind, Tensor};

use crate::kernels::{
    NORM_EPSILON, Normalized, Tape,
    tensor::{values, values_mut},
};

/// Features whose sums are one task.
const FEATURES: usize = 32;

/// Cells that one task writes.
const CELLS: usize = 32;

/// As [`Kernels::relu_norm`](crate::kernels::Kernels::relu_norm).
pub(super) fn relu_norm(x: &Tensor, [scale, shift]: [&Tensor; 2], tape: &mut Tape) -> Normalized {
    let cells = x.detach().contiguous();
    let moments = Moments::of(Rows::of(&cells));
    let (normal, fixed) = (moments.normal(Rows::of(&cells)), scale.detach());
    let output = tch::no_grad(|| &normal * &fixed + shift);
    let [mean, variance] =
        [&moments.means, &moments.variances].map(|moment| Tensor::from_slice(moment));
    let output = tape.join(&[x, scale, shift], output, move |gradient| {
        let over_cells = |x: &Tensor| x.sum_dim_intlist([0].as_slice(), false, Kind::Float);
        let by_normal = (gradient * fixed).contiguous();
        vec![
            moments.by_x(Rows::of(&cells), Rows::of(&by_normal)),
            over_cells(&(gradient * normal)),
            over_cells(gradient),
        ]
    });
    Normalized {
        output,
        mean,
        variance,
    }
}

/// A contiguous tensor, cells × features.
#[derive(Clone, Copy)]
struct Rows<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Rows<'a> {
    fn of(tensor: &'a Tensor) -> Self {
        Self {
            values: values(tensor),
            width: tensor.size()[1] as usize,
        }
    }

    fn n_cells(self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Some features of a cell.
    fn of_cell(self, cell: usize, features: Range<usize>) -> &'a [f32] {
        &self.values[cell * self.width..][features]
    }

    /// Per feature, what `add` adds up over cells: it is given the sums of a run of features, a cell, and that run.
    fn sums(self, add: impl Fn(&mut [f64], usize, Range<usize>) + Sync) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        let tasks = sums.par_chunks_mut(FEATURES).enumerate();
        tasks.for_each(|(task, sums)| {
            let first = task * FEATURES;
            for cell in 0..self.n_cells() {
                add(sums, cell, first..first + sums.len());
            }
        });
        sums
    }

    /// A tensor of this shape that `fill` writes, cell by cell.
    fn made(self, fill: impl Fn(&mut [f32], usize) + Sync) -> Tensor {
        let shape = [self.n_cells() as i64, self.width as i64];
        let mut made = Tensor::empty(shape, tch::kind::FLOAT_CPU);
        let tasks = values_mut(&mut made).par_chunks_mut(CELLS * self.width);
        tasks.enumerate().for_each(|(task, rows)| {
            for (cell, row) in (task * CELLS..).zip(rows.chunks_mut(self.width)) {
                fill(row, cell);
            }
        });
        made
    }
}

/// Mean and variance of each feature after the ReLU.
struct Moments {
    means: Vec<f64>,
    /// Σ(x − mean)² / n.
    variances: Vec<f64>,
    /// One over each standard deviation.
    scales: Vec<f64>,
}

impl Moments {
    fn of(x: Rows<'_>) -> Self {
        let n_cells = x.n_cells() as f64;
        let mean_of = |sums: Vec<f64>| sums.iter().map(|sum| sum / n_cells).collect();
        let sums = x.sums(|sums, cell, features| {
            for (sum, &x) in sums.iter_mut().zip(x.of_cell(cell, features)) {
                *sum += f64::from(passed(x));
            }
        });
        let mut moments = Self {
            means: mean_of(sums),
            variances: Vec::new(),
            scales: Vec::new(),
        };
        moments.variances = mean_of(x.sums(|sums, cell, features| {
            let entries = sums.iter_mut().zip(moments.centred(x, cell, features));
            entries.for_each(|(sum, x)| *sum += x * x);
        }));
        let scale = |variance: &f64| 1.0 / (variance + NORM_EPSILON).sqrt();
        moments.scales = moments.variances.iter().map(scale).collect();
        moments
    }

    /// Some features of a cell after the ReLU, less their means.
    fn centred(
        &self,
        x: Rows<'_>,
        cell: usize,
        features: Range<usize>,
    ) -> impl Iterator<Item = f64> {
        let means = &self.means[features.clone()];
        let entries = x.of_cell(cell, features).iter().zip(means);
        entries.map(|(&x, mean)| f64::from(passed(x)) - mean)
    }

    /// The normalised features.
    fn normal(&self, x: Rows<'_>) -> Tensor {
        x.made(|row, cell| {
            let centred = self.centred(x, cell, 0..x.width).zip(&self.scales);
            for (to, (x, scale)) in row.iter_mut().zip(centred) {
                *to = (x * scale) as f32;
            }
        })
    }

    /// The gradient by the features before the ReLU, for that by the normalised ones.
    ///
    /// With c = x − mean, r = 1 / √(variance + ε) and g the gradient by c·r: the gradient by c is r·g − c·r³·Σgc / n, and
    /// that by x is this less its mean.
    fn by_x(&self, x: Rows<'_>, by_normal: Rows<'_>) -> Tensor {
        let n_cells = x.n_cells() as f64;
        let given = |cell: usize, features: Range<usize>| {
            let gradients = by_normal.of_cell(cell, features).iter();
            gradients.map(|&gradient| f64::from(gradient))
        };
        let products = x.sums(|sums, cell, features| {
            let centred = self.centred(x, cell, features.clone());
            let pairs = centred.zip(given(cell, features));
            for (sum, (x, gradient)) in sums.iter_mut().zip(pairs) {
                *sum += x * gradient;
            }
        });
        let slopes = products.iter().zip(&self.scales);
        let slopes: Vec<f64> = slopes
            .map(|(sum, scale)| scale.powi(3) * sum / n_cells)
            .collect();
        let by_centred = |cell: usize, features: Range<usize>| {
            let centred = self.centred(x, cell, features.clone());
            let factors = self.scales[features.clone()]
                .iter()
                .zip(&slopes[features.clone()]);
            let pairs = centred.zip(given(cell, features)).zip(factors);
            pairs.map(|((x, gradient), (scale, slope))| scale * gradient - slope * x)
        };
        let sums = x.sums(|sums, cell, features| {
            for (sum, gradient) in sums.iter_mut().zip(by_centred(cell, features)) {
                *sum += gradient;
            }
        });
        x.made(|row, cell| {
            let gradients = by_centred(cell, 0..x.width).zip(&sums);
            let entries = row.iter_mut().zip(x.of_cell(cell, 0..x.width));
            for ((to, &x), (gradient, sum)) in entries.zip(gradients) {
                let gradient = (gradient - sum / n_cells) as f32;
                *to = if x <= 0.0 { 0.0 } else { gradient };
            }
        })
    }
}

/// What a ReLU lets pass; NaN is let pass too.
fn passed(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{
        Kernels,
        cpu::{
            Cpu,
            beside_libtorch::{assert_same, leaf},
        },
        gpu::Gpu,
    };

    #[test]
    fn values_moments_and_gradients_are_libtorchs() {
        // More cells and features than a task of each kind.
        let x = leaf(70, 40, 0.7);
        let [scale, shift] = [0.3, 1.9].map(|by| {
            let row = leaf(1, 40, by).detach().view([40]) + 1.5;
            row.set_requires_grad(true)
        });
        assert_same(&[&x, &scale, &shift], |kernels, tape| {
            kernels.relu_norm(&x, [&scale, &shift], tape).output
        });
        let [ours, libtorchs] = [&Cpu as &dyn Kernels, &Gpu]
            .map(|kernels| kernels.relu_norm(&x, [&scale, &shift], &mut Tape::off()));
        for (found, expected) in [
            (ours.mean, libtorchs.mean),
            (ours.variance, libtorchs.variance),
        ] {
            assert!(found.allclose(&expected, 1e-12, 0.0, false));
        }
    }

    #[test]
    fn a_value_that_is_not_a_number_stays_so() {
        let x = Tensor::from_slice(&[1.0_f32, f32::NAN, -3.0, 2.0]).view([2, 2]);
        let ones = Tensor::ones([2], tch::kind::FLOAT_CPU);
        let found = relu_norm(&x, [&ones, &ones], &mut Tape::off()).output;
        let is_nan = |place| found.flatten(0, -1).double_value(&[place]).is_nan();
        assert!([0, 1, 2, 3].map(is_nan) == [false, true, false, true]);
    }
}
