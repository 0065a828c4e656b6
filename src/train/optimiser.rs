//! Adam with a bound on the gradient's norm.

use tch::Tensor;

use crate::kernels::{self, AdamStep, Moments, Tape};

/// Adam (Kingma & Ba 2015, arXiv:1412.6980) with its usual constants.
#[derive(Debug)]
pub struct Adam {
    moving: Vec<Moments>,
    resting: Vec<Tensor>,
    lr: f64,
    n_steps: i32,
}

impl Adam {
    /// An optimiser of these parameters, contiguous float32 leaves on one device.
    #[must_use]
    pub fn new(parameters: Vec<Tensor>, lr: f64) -> Self {
        Self {
            moving: parameters
                .into_iter()
                .map(|p| Moments::new(p, true))
                .collect(),
            resting: Vec::new(),
            lr,
            n_steps: 0,
        }
    }

    /// Moves these too, along their gradients as they are: they neither count in the norm nor are scaled down.
    #[must_use]
    pub fn with_unclipped(mut self, parameters: Vec<Tensor>) -> Self {
        let unclipped = parameters.into_iter().map(|p| Moments::new(p, false));
        self.moving.extend(unclipped);
        self
    }

    /// Counts the gradients of these in the norm and scales them down with it, but neither moves nor clears them: they
    /// add up from step to step.
    #[must_use]
    pub fn with_resting(mut self, parameters: Vec<Tensor>) -> Self {
        self.resting.extend(parameters);
        self
    }

    /// Changes the learning rate from the next step on.
    pub fn set_learning_rate(&mut self, lr: f64) {
        self.lr = lr;
    }

    /// One step down the gradient of `loss`, whose pass is on `tape`; the gradient's norm before it was clipped.
    ///
    /// As in PyTorch, clipped gradients stay behind: those of the moved parameters until the next step begins.
    pub fn step(&mut self, loss: &Tensor, tape: &mut Tape) -> f64 {
        for moments in &mut self.moving {
            moments.begin(tape);
        }
        tape.backward(loss);
        self.n_steps += 1;
        let step = AdamStep::new(self.n_steps, self.lr);
        let mut moving: Vec<&mut Moments> = self.moving.iter_mut().collect();
        moving.retain(|moments| moments.has_gradient());
        let resting = self.resting.iter().map(Tensor::grad);
        let mut resting: Vec<Tensor> = resting.filter(Tensor::defined).collect();
        let Some(device) = moving.first().map(|moments| moments.device()) else {
            return 0.0;
        };
        tch::no_grad(|| kernels::on(device).adam_step(step, &mut moving, &mut resting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::adam::{BETA_1, BETA_2, EPSILON, MAX_NORM};
    use tch::Kind;

    #[test]
    fn steps_are_libtorchs() {
        let start: Vec<f32> = (0..20_000).map(|i| (i as f32).sin()).collect();
        let loss = |x: &Tensor| (x.sin() * x.square()).sum(Kind::Float) * 0.01;
        let ours = Tensor::from_slice(&start).set_requires_grad(true);
        let theirs = Tensor::from_slice(&start).set_requires_grad(true);
        let mut adam = Adam::new(vec![ours.shallow_clone()], 0.1);
        let mut libtorchs = tch::COptimizer::adam(0.1, BETA_1, BETA_2, 0.0, EPSILON, false)
            .expect("libtorch's Adam");
        libtorchs.add_parameters(&theirs, 0).expect("a parameter");
        for _ in 0..5 {
            adam.step(&loss(&ours), &mut Tape::default());
            libtorchs.zero_grad().expect("no gradient");
            loss(&theirs).backward();
            tch::no_grad(|| {
                let norm = theirs.grad().norm().double_value(&[]);
                let _ = theirs
                    .grad()
                    .g_mul_scalar_((MAX_NORM / (norm + 1e-6)).min(1.0));
            });
            libtorchs.step().expect("a step");
        }
        assert!(ours.detach().allclose(&theirs.detach(), 1e-5, 1e-6, false));
    }

    #[test]
    fn gradients_given_by_rows_move_all_rows_as_whole_gradients_do() {
        // Rows of 256 in chunks of 64; runs that end and begin chunks, and one across two.
        let size = [200_i64, 256];
        let start = Tensor::linspace(-2.0, 2.0, 200 * 256, tch::kind::FLOAT_CPU).view(size);
        let [by_rows, whole] = [(); 2].map(|()| start.copy().set_requires_grad(true));
        let adam = |parameter: &Tensor| Adam::new(vec![parameter.shallow_clone()], 0.1);
        let (mut ours, mut theirs) = (adam(&by_rows), adam(&whole));
        for rows in [vec![0_i64, 63, 64, 130], vec![1, 127, 199], vec![64, 63]] {
            let rows = Tensor::from_slice(&rows);
            let gradient = start.index_select(0, &rows).sin();
            let (mut tape, mut other) = (Tape::default(), Tape::default());
            tape.give_rows(&by_rows, &rows, gradient.shallow_clone());
            other.give(&whole, start.zeros_like().index_copy(0, &rows, &gradient));
            let none = |parameter: &Tensor| parameter.sum(Kind::Float) * 0.0;
            let norm = ours.step(&none(&by_rows), &mut tape);
            assert!((theirs.step(&none(&whole), &mut other) / norm - 1.0).abs() < 1e-12);
            assert!(by_rows.grad().allclose(&whole.grad(), 1e-6, 0.0, false));
            assert!(by_rows.allclose(&whole, 1e-6, 1e-6, false));
        }
    }

    #[test]
    fn gradients_of_resting_parameters_add_up_and_are_clipped_with_the_others() {
        let [moving, unclipped, resting] =
            [1.0_f32, 1.0, 4.0].map(|start| Tensor::from_slice(&[start]).set_requires_grad(true));
        let mut adam = Adam::new(vec![moving.shallow_clone()], 0.0)
            .with_unclipped(vec![unclipped.shallow_clone()])
            .with_resting(vec![resting.shallow_clone()]);
        let loss = || (&moving * 3.0 + &unclipped * 7.0 + &resting * 4.0).sum(Kind::Float);
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-5;
        let gradient = |x: &Tensor| x.grad().double_value(&[0]);
        // √(3² + 4²) = 5, scaled down to 3.
        assert!(near(adam.step(&loss(), &mut Tape::default()), 5.0));
        assert!(near(gradient(&moving), 1.8) && near(gradient(&resting), 2.4));
        assert!(near(gradient(&unclipped), 7.0));
        // The moving one starts anew, the resting one goes on: √(3² + 6.4²).
        let norm = adam.step(&loss(), &mut Tape::default());
        assert!(near(norm, (9.0_f64 + 6.4 * 6.4).sqrt()));
        assert!(near(gradient(&unclipped), 7.0) && near(resting.double_value(&[0]), 4.0));
    }
}
