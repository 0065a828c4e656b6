//! Adam with a bound on the gradient's norm.

use tch::{COptimizer, Kind, TchError, Tensor};

use super::tape::Tape;

/// Largest norm of the gradient over all parameters; a longer one is scaled down to it.
const MAX_NORM: f64 = 3.0;

/// Adam (Kingma & Ba 2015, arXiv:1412.6980) with its usual constants.
#[derive(Debug)]
pub struct Adam {
    optimiser: COptimizer,
    parameters: Vec<Tensor>,
}

impl Adam {
    /// An optimiser of these parameters.
    pub fn new(parameters: Vec<Tensor>, lr: f64) -> Result<Self, TchError> {
        let mut optimiser = COptimizer::adam(lr, 0.9, 0.999, 0.0, 1e-8, false)?;
        for parameter in &parameters {
            optimiser.add_parameters(parameter, 0)?;
        }
        Ok(Self {
            optimiser,
            parameters,
        })
    }

    /// Changes the learning rate from the next step on.
    pub fn set_learning_rate(&mut self, lr: f64) -> Result<(), TchError> {
        self.optimiser.set_learning_rate(lr)
    }

    /// One step down the gradient of `loss`, whose pass is on `tape`.
    pub fn step(&mut self, loss: &Tensor, tape: &mut Tape) -> Result<(), TchError> {
        self.optimiser.zero_grad()?;
        tape.backward(loss);
        tch::no_grad(|| self.clip());
        self.optimiser.step()
    }

    /// Scales all gradients so that their common norm is at most [`MAX_NORM`].
    fn clip(&self) {
        let gradients: Vec<Tensor> = self
            .parameters
            .iter()
            .map(Tensor::grad)
            .filter(Tensor::defined)
            .collect();
        let norm = gradients.iter().map(squared_norm).sum::<f64>().sqrt();
        if norm > MAX_NORM {
            for mut gradient in gradients {
                let _ = gradient.g_mul_scalar_(MAX_NORM / (norm + 1e-6));
            }
        }
    }
}

/// Σ g², column by column and then over columns, so that threads do not change the order of the sum.
fn squared_norm(gradient: &Tensor) -> f64 {
    let columns = gradient.size().last().copied().unwrap_or(1);
    let by_column = gradient.square().view([-1, columns]);
    let sums = by_column.sum_dim_intlist([0].as_slice(), false, Kind::Float);
    Vec::<f64>::try_from(sums.to_kind(Kind::Double)).map_or(f64::NAN, |sums| sums.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_gradient_is_clipped_to_norm_three() {
        let x = Tensor::from_slice(&[30.0_f32, 40.0]).set_requires_grad(true);
        let adam = Adam::new(vec![x.shallow_clone()], 0.1).expect("Adam of one parameter");
        (x.square().sum(Kind::Float) / 2.0).backward();
        tch::no_grad(|| adam.clip());
        let clipped = Vec::<f32>::try_from(x.grad()).expect("two floats");
        assert!(
            (clipped[0] - 1.8).abs() < 1e-5 && (clipped[1] - 2.4).abs() < 1e-5,
            "{clipped:?}"
        );
    }

    #[test]
    fn the_first_step_has_the_length_of_the_learning_rate() {
        let x = Tensor::from_slice(&[1.0_f32, -2.0]).set_requires_grad(true);
        let mut adam = Adam::new(vec![x.shallow_clone()], 0.1).expect("Adam of one parameter");
        adam.step(&x.square().sum(Kind::Float), &mut Tape::default())
            .expect("a step");
        let moved = Vec::<f32>::try_from(x.detach()).expect("two floats");
        assert!(
            (moved[0] - 0.9).abs() < 1e-5 && (moved[1] + 1.9).abs() < 1e-5,
            "{moved:?}"
        );
    }
}
