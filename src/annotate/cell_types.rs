//! The cell type of a cell by logistic regression on what the model sees of it.
//!
//! Types come from outside, unlike clusters: they may lie across what is near in the embedding. A multinomial logistic regression
//! finds what tells them apart among all components of the views, and in the embedding.

use argmin::{
    core::{CostFunction, Error, Executor, Gradient, State},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS},
};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};
use rayon::prelude::*;

use super::vote::Vote;
use crate::{model_file::TypeClassifier, unit::unit_rows};

/// λ of the penalty λ/2 · Σ w², beside the sum of the cells' log losses: scikit-learn's `C` of 10.
const PENALTY: f64 = 0.1;

/// Steps whose differences L-BFGS keeps.
const HISTORY: usize = 10;

/// The fit ends where the gradient of the mean loss is this short, or after so many steps.
const GRADIENT: f64 = 1e-5;
const MOST_STEPS: u64 = 500;

/// Cells whose losses are added up in one task.
const CELLS: usize = 512;

/// What a cell's type is told by: its components in each view and its embedding, each scaled to length 1, side by side. And a 1.
#[must_use]
pub fn type_features(views: &[Array2<f32>], z: ArrayView2<'_, f32>) -> Array2<f64> {
    let of_views = views.iter().map(|view| unit_rows(view.view()));
    let mut parts: Vec<Array2<f32>> = of_views.collect();
    parts.push(unit_rows(z));
    parts.push(Array2::ones((z.nrows(), 1)));
    let parts: Vec<_> = parts.iter().map(|part| part.view()).collect();
    let all = concatenate(Axis(1), &parts)
        .unwrap_or_else(|_| unreachable!("views and embedding have the same cells"));
    all.mapv(f64::from)
}

impl TypeClassifier {
    /// Learns to tell types apart from the [`type_features`] of cells of known types, each below `n_types`.
    ///
    /// Minimises the mean log loss with an L2 penalty by L-BFGS from weights of 0 (Liu & Nocedal 1989, doi:10.1007/BF01589116).
    /// The same cells give the same weights, whatever the number of threads.
    ///
    /// # Errors
    /// Where no step lessens the loss.
    pub fn learn(features: &Array2<f64>, types: &[usize], n_types: usize) -> Result<Self, Error> {
        let start = vec![0.0; features.ncols() * n_types];
        if types.is_empty() {
            let weights = Array2::from_shape_vec((features.ncols(), n_types), start)?;
            return Ok(Self { weights });
        }
        let loss = LogLoss {
            features,
            types,
            n_types,
        };
        let line_search = MoreThuenteLineSearch::new();
        let solver = LBFGS::new(line_search, HISTORY).with_tolerance_grad(GRADIENT)?;
        let found = Executor::new(loss, solver)
            .configure(|state| state.param(start.clone()).max_iters(MOST_STEPS))
            .run()?;
        let weights = found.state.get_best_param().unwrap_or(&start).clone();
        Ok(Self {
            weights: Array2::from_shape_vec((features.ncols(), n_types), weights)?,
        })
    }

    /// The same without one of the types: how likely the others are relative to each other stays.
    #[must_use]
    pub(super) fn without(&self, left_out: usize) -> Self {
        let types = 0..self.weights.ncols();
        let kept: Vec<usize> = types.filter(|&label| label != left_out).collect();
        Self {
            weights: self.weights.select(Axis(1), &kept),
        }
    }

    /// The likeliest type of every cell, and how likely it is.
    #[must_use]
    pub(super) fn likeliest(&self, features: &Array2<f64>) -> Vec<Vote> {
        let logits = features.dot(&self.weights);
        let likeliest = |logits: ArrayView1<'_, f64>| {
            let (mut best, mut most) = (0, f64::NEG_INFINITY);
            for (label, &logit) in logits.iter().enumerate() {
                if logit > most {
                    (best, most) = (label, logit);
                }
            }
            Vote {
                label: best,
                confidence: (most - log_sum_exp(logits.iter())).exp() as f32,
            }
        };
        logits.outer_iter().map(likeliest).collect()
    }
}

/// The mean log loss of cells of known types, with the penalty; parameters are weights, features × types, row after row.
struct LogLoss<'a> {
    features: &'a Array2<f64>,
    types: &'a [usize],
    n_types: usize,
}

impl LogLoss<'_> {
    /// What `of_cells` makes of every run of cells: of their features, their logits and their types; in order.
    fn of_runs<T: Send>(
        &self,
        weights: ArrayView2<'_, f64>,
        of_cells: impl Fn(ArrayView2<'_, f64>, Array2<f64>, &[usize]) -> T + Sync,
    ) -> Vec<T> {
        let runs = self.types.par_chunks(CELLS).enumerate();
        runs.map(|(run, types)| {
            let first = run * CELLS;
            let features = self.features.slice(s![first..first + types.len(), ..]);
            of_cells(features, features.dot(&weights), types)
        })
        .collect()
    }

    fn weights<'w>(&self, weights: &'w [f64]) -> Result<ArrayView2<'w, f64>, Error> {
        let shape = (self.features.ncols(), self.n_types);
        Ok(ArrayView2::from_shape(shape, weights)?)
    }

    /// What the penalty takes: all weights but those of the last feature, which is 1 in every cell.
    fn penalised<'w>(&self, weights: &'w [f64]) -> &'w [f64] {
        &weights[..weights.len() - self.n_types]
    }

    fn penalty(&self) -> f64 {
        PENALTY / self.types.len() as f64
    }
}

impl CostFunction for LogLoss<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, weights: &Vec<f64>) -> Result<f64, Error> {
        let losses = self.of_runs(self.weights(weights)?, |_, logits, types| {
            let of_cell = |(logits, &own): (ArrayView1<'_, f64>, &usize)| {
                log_sum_exp(logits.iter()) - logits[own]
            };
            logits.outer_iter().zip(types).map(of_cell).sum::<f64>()
        });
        let squares: f64 = self.penalised(weights).iter().map(|w| w * w).sum();
        let mean = losses.iter().sum::<f64>() / self.types.len() as f64;
        Ok(mean + 0.5 * self.penalty() * squares)
    }
}

impl Gradient for LogLoss<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, weights: &Vec<f64>) -> Result<Vec<f64>, Error> {
        let of_runs = self.of_runs(self.weights(weights)?, |features, mut logits, types| {
            for (mut of_cell, &own) in logits.outer_iter_mut().zip(types) {
                let whole = log_sum_exp(of_cell.iter());
                of_cell.mapv_inplace(|logit| (logit - whole).exp());
                of_cell[own] -= 1.0;
            }
            features.t().dot(&logits)
        });
        let mut sum = Array1::zeros(weights.len());
        for of_run in of_runs {
            sum += &Array1::from_iter(of_run);
        }
        let mut gradient = (sum / self.types.len() as f64).to_vec();
        for (to, weight) in gradient.iter_mut().zip(self.penalised(weights)) {
            *to += self.penalty() * weight;
        }
        Ok(gradient)
    }
}

/// ln Σ eˣ.
fn log_sum_exp<'x>(values: impl Iterator<Item = &'x f64> + Clone) -> f64 {
    let most = values
        .clone()
        .fold(f64::NEG_INFINITY, |most, &x| most.max(x));
    most + values.map(|x| (x - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rayon::ThreadPoolBuilder;

    use super::*;

    /// Cells of three types around points of their own, 1,500 in all, and a feature that is 1.
    fn cells() -> (Array2<f64>, Vec<usize>) {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let centers = [[1.0, 0.0, 0.3], [0.0, 1.0, 0.3], [-0.5, -0.5, 0.3]];
        let types: Vec<usize> = (0..1500).map(|_| rng.random_range(0..3)).collect();
        let features = Array2::from_shape_fn((types.len(), 4), |(cell, feature)| {
            let center = centers[types[cell]].get(feature);
            center.map_or(1.0, |center| center + rng.random_range(-0.6..0.6))
        });
        (features, types)
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() -> Result<(), Error> {
        let (features, types) = cells();
        let loss = LogLoss {
            features: &features,
            types: &types,
            n_types: 3,
        };
        let weights: Vec<f64> = (0..12).map(|i| f64::from(i % 5) - 2.0).collect();
        let gradient = loss.gradient(&weights)?;
        for (i, found) in gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut weights = weights.clone();
                weights[i] += by;
                loss.cost(&weights)
            };
            let expected = (moved(1e-5)? - moved(-1e-5)?) / 2e-5;
            assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        }
        Ok(())
    }

    #[test]
    fn the_fit_is_the_minimum_and_the_same_with_any_threads() -> Result<(), Error> {
        let (features, types) = cells();
        let learnt = TypeClassifier::learn(&features, &types, 3)?;
        let loss = LogLoss {
            features: &features,
            types: &types,
            n_types: 3,
        };
        let weights: Vec<f64> = learnt.weights.iter().copied().collect();
        let longest = loss.gradient(&weights)?.into_iter().map(f64::abs);
        assert!(longest.fold(0.0, f64::max) < 2.0 * GRADIENT);
        for n_threads in [1, 3] {
            let pool = ThreadPoolBuilder::new().num_threads(n_threads).build()?;
            let again = pool.install(|| TypeClassifier::learn(&features, &types, 3))?;
            assert_eq!(again, learnt);
        }
        Ok(())
    }

    #[test]
    fn most_cells_get_their_type_whatever_their_order() -> Result<(), Error> {
        let (features, types) = cells();
        let learnt = TypeClassifier::learn(&features, &types, 3)?;
        let found = learnt.likeliest(&features);
        let n_right = found
            .iter()
            .zip(&types)
            .filter(|(vote, own)| vote.label == **own);
        assert!(n_right.count() > 1350);
        assert!(
            found
                .iter()
                .all(|vote| (1.0 / 3.0..=1.0).contains(&vote.confidence))
        );
        let mut reversed = features.clone();
        reversed.invert_axis(Axis(0));
        let reversed = reversed.as_standard_layout().to_owned();
        let again = learnt.likeliest(&reversed);
        assert!(again.iter().rev().eq(&found));
        Ok(())
    }

    #[test]
    fn without_known_cells_all_types_are_equally_likely() -> Result<(), Error> {
        let learnt = TypeClassifier::learn(&Array2::zeros((0, 4)), &[], 2)?;
        let found = learnt.likeliest(&Array2::ones((1, 4)));
        assert_eq!(
            found,
            [Vote {
                label: 0,
                confidence: 0.5
            }]
        );
        Ok(())
    }
}
