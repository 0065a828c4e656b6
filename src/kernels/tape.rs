//! Operations whose gradients are worked out by hand, joined to libtorch's automatic differentiation.

use std::fmt;

use tch::{Device, Tensor};

use super::{
    loss_term::surrogate,
    tensor::{values, values_mut},
};

/// From the gradient by an operation's output to those by its inputs, in their order.
type Pullback = Box<dyn FnOnce(&Tensor) -> Vec<Tensor>>;

/// The joints of one forward pass, between pieces that libtorch differentiates by itself.
///
/// A joint's output starts a new piece, as a leaf. [`Tape::backward`] walks the pieces from the last to the first,
/// and carries the gradient over each joint by its pullback. What several later pieces read has to be the output of
/// a joint (or a [`Tape::knot`]): a piece is walked once. Where no input wants a gradient, nothing is kept.
#[derive(Default)]
pub struct Tape {
    joints: Vec<Joint>,
    given: Vec<Given>,
    /// Whether nothing is kept at all.
    is_off: bool,
}

struct Joint {
    inputs: Vec<Tensor>,
    output: Tensor,
    pullback: Pullback,
    /// What joints that read the output add to its gradient, beside what libtorch keeps of it.
    gradient: Option<Tensor>,
}

/// A gradient that is known before the way back.
struct Given {
    parameter: Tensor,
    /// The parameter's rows that it is the gradient by, where it is not by all.
    rows: Option<Tensor>,
    gradient: Tensor,
}

impl Tape {
    /// A tape for passes that are not differentiated, which keeps nothing.
    #[must_use]
    pub fn off() -> Self {
        Self {
            is_off: true,
            ..Self::default()
        }
    }

    /// Joins `output`, computed from the values of `inputs`, to them.
    #[must_use]
    pub fn join(
        &mut self,
        inputs: &[&Tensor],
        output: Tensor,
        pullback: impl FnOnce(&Tensor) -> Vec<Tensor> + 'static,
    ) -> Tensor {
        if self.is_off || !inputs.iter().any(|input| input.requires_grad()) {
            return output;
        }
        let output = output.detach().set_requires_grad(true);
        self.joints.push(Joint {
            inputs: inputs.iter().map(|input| input.shallow_clone()).collect(),
            output: output.shallow_clone(),
            pullback: Box::new(pullback),
            gradient: None,
        });
        output
    }

    /// The same values as a leaf, for several pieces to read.
    #[must_use]
    pub fn knot(&mut self, x: &Tensor) -> Tensor {
        self.join(&[x], x.shallow_clone(), |gradient| {
            vec![gradient.shallow_clone()]
        })
    }

    /// Adds `gradient` to that of `parameter`, a leaf, on the way back: as it is, whatever weight the loss has.
    pub fn give(&mut self, parameter: &Tensor, gradient: Tensor) {
        self.push(parameter, None, gradient);
    }

    /// The same where the gradient by all but a few rows is 0: `gradient` is that by `rows`, each of them named once. The
    /// parameter has no other gradient in this pass.
    pub fn give_rows(&mut self, parameter: &Tensor, rows: &Tensor, gradient: Tensor) {
        self.push(parameter, Some(rows.shallow_clone()), gradient);
    }

    fn push(&mut self, parameter: &Tensor, rows: Option<Tensor>, gradient: Tensor) {
        if parameter.requires_grad() && !self.is_off {
            self.given.push(Given {
                parameter: parameter.shallow_clone(),
                rows,
                gradient,
            });
        }
    }

    /// The rows of `parameter` by which it was given a gradient, where it was by rows.
    pub(super) fn rows_given(&self, parameter: &Tensor) -> Option<&Tensor> {
        let same = |given: &&Given| given.parameter.data_ptr() == parameter.data_ptr();
        self.given.iter().find(same)?.rows.as_ref()
    }

    /// Multiplies all that was given in this pass, where the loss that it belongs to is one of several and has a weight.
    pub fn weigh_given(&mut self, weight: f64) {
        for Given { gradient, .. } in &mut self.given {
            let _ = tch::no_grad(|| gradient.g_mul_scalar_(weight));
        }
    }

    /// Forgets a pass that was not differentiated after all.
    pub fn clear(&mut self) {
        self.joints.clear();
        self.given.clear();
    }

    /// Adds the gradients of `loss` to those of all parameters behind it. The tape is empty afterwards.
    pub fn backward(&mut self, loss: &Tensor) {
        loss.backward();
        while let Some(joint) = self.joints.pop() {
            let Some(gradient) = joint.gradient() else {
                continue;
            };
            let gradients = tch::no_grad(|| (joint.pullback)(&gradient));
            let mut behind = Vec::new();
            for (input, gradient) in joint.inputs.into_iter().zip(gradients) {
                if !input.requires_grad() || !gradient.defined() {
                    continue;
                }
                if let Some(before) = self.joint_of(&input) {
                    before.add(gradient);
                } else if input.is_leaf() && input.grad().defined() {
                    let given = Given {
                        parameter: input,
                        rows: None,
                        gradient,
                    };
                    given.add();
                } else {
                    behind.push((input, gradient));
                }
            }
            if !behind.is_empty() {
                surrogate(&behind).backward();
            }
        }
        for given in self.given.drain(..) {
            given.add();
        }
    }

    /// The joint whose output a tensor is. (A knot's output lies where its input does. What is meant for that one may go to the
    /// knot, which hands it on.)
    fn joint_of(&mut self, tensor: &Tensor) -> Option<&mut Joint> {
        let is_output = |joint: &&mut Joint| joint.output.data_ptr() == tensor.data_ptr();
        let mut joints = self.joints.iter_mut().rev();
        joints.find(is_output).filter(|_| tensor.is_leaf())
    }
}

impl Joint {
    /// The gradient by the output; `None` where the loss does not hang on it.
    fn gradient(&self) -> Option<Tensor> {
        let of_libtorch = Some(self.output.grad()).filter(Tensor::defined);
        let of_joints = self.gradient.as_ref().map(Tensor::shallow_clone);
        match (of_libtorch, of_joints) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        }
    }

    /// Adds to the gradient by the output.
    fn add(&mut self, gradient: Tensor) {
        self.gradient = Some(match self.gradient.take() {
            Some(sum) => sum + gradient,
            None => gradient,
        });
    }
}

impl Given {
    /// Adds the gradient to that of the parameter.
    fn add(self) {
        let Self {
            parameter,
            rows,
            gradient,
        } = self;
        let mut sum = parameter.grad();
        if !sum.defined() {
            let gradient = match rows {
                Some(rows) => (parameter.detach().zeros_like()).index_copy(0, &rows, &gradient),
                None => gradient,
            };
            surrogate(&[(parameter, gradient)]).backward();
            return;
        }
        let Some(rows) = rows else {
            let _ = tch::no_grad(|| sum.g_add_(&gradient));
            return;
        };
        if sum.device() != Device::Cpu {
            let _ = tch::no_grad(|| sum.index_add_(0, &rows, &gradient));
            return;
        }
        let places = Vec::<i64>::try_from(rows).unwrap_or_default();
        let width = sum.numel() / sum.size()[0].max(1) as usize;
        let (sums, gradient) = (values_mut(&mut sum), gradient.contiguous());
        for (place, row) in places.into_iter().zip(values(&gradient).chunks(width)) {
            let sums = &mut sums[place as usize * width..][..width];
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape of {} joints", self.joints.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn a_tape_that_is_off_keeps_nothing() {
        let x = Tensor::from_slice(&[1.0_f32]).set_requires_grad(true);
        let mut tape = Tape::off();
        let _ = tape.knot(&x);
        tape.give(&x, x.ones_like());
        assert!(tape.joints.is_empty() && tape.given.is_empty());
    }

    #[test]
    fn a_joint_carries_gradients_as_libtorch_would() {
        let x = Tensor::from_slice(&[1.0_f32, -2.0, 3.0]).set_requires_grad(true);
        let mut tape = Tape::default();
        // y = 2x is read twice; z = y³ by hand; loss = Σ z + Σ y²
        let y = tape.knot(&(&x * 2.0));
        let at_y = y.detach();
        let z = tape.join(&[&y], at_y.pow_tensor_scalar(3), move |gradient| {
            vec![gradient * at_y.square() * 3.0]
        });
        let loss = z.sum(Kind::Float) + y.square().sum(Kind::Float);
        tape.backward(&loss);
        // d/dx (8x³ + 4x²) = 24x² + 8x
        let found = Vec::<f32>::try_from(x.grad()).expect("three floats");
        assert_eq!(found, [32.0, 80.0, 240.0]);
    }

    #[test]
    fn given_gradients_add_up() {
        let x = Tensor::from_slice(&[1.0_f32, 2.0]).set_requires_grad(true);
        let mut tape = Tape::default();
        for _ in 0..2 {
            tape.give(&x, Tensor::from_slice(&[1.0_f32, -2.0]));
            tape.weigh_given(0.5);
            tape.backward(&x.sum(Kind::Float));
        }
        assert_eq!(Vec::<f32>::try_from(x.grad()).expect("floats"), [3.0, 0.0]);
    }

    #[test]
    fn gradients_given_by_rows_add_up() {
        let x = Tensor::zeros([3, 2], tch::kind::FLOAT_CPU).set_requires_grad(true);
        let mut tape = Tape::default();
        for rows in [[0_i64, 2], [2, 1]] {
            let rows = Tensor::from_slice(&rows);
            let gradient = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]).view([2, 2]);
            tape.give_rows(&x, &rows, gradient);
            assert!(tape.rows_given(&x).is_some_and(|found| found.equal(&rows)));
            tape.backward(&(x.sum(Kind::Float) * 0.0));
        }
        let found = Vec::<f32>::try_from(x.grad().flatten(0, -1)).expect("floats");
        assert_eq!(found, [1.0, 2.0, 3.0, 4.0, 4.0, 6.0]);
    }

    #[test]
    fn nothing_is_kept_where_no_gradient_is_wanted() {
        let x = Tensor::from_slice(&[1.0_f32]).set_requires_grad(true);
        let mut tape = Tape::default();
        let y = tch::no_grad(|| tape.knot(&(&x * 2.0)));
        assert!(!y.requires_grad() && tape.joints.is_empty());
    }
}
