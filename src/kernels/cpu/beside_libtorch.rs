//! The CPU's operations beside libtorch's, for tests.

use tch::{Kind, Tensor};

use super::Cpu;
use crate::kernels::{Kernels, Tape, gpu::Gpu};

/// An operation's result and its gradients by `inputs` (leaves that learn) are libtorch's, the second time too, when there are
/// gradients to be added to.
pub(super) fn assert_same(
    inputs: &[&Tensor],
    operation: impl Fn(&dyn Kernels, &mut Tape) -> Tensor,
) {
    let found = |kernels: &dyn Kernels| {
        for input in inputs {
            input.shallow_clone().zero_grad();
        }
        let mut all = Vec::new();
        for factor in [1.0, -0.5] {
            let mut tape = Tape::default();
            let result = operation(kernels, &mut tape);
            let loss = (&result * result.detach().cos()).mean(Kind::Float);
            tape.backward(&(loss * factor));
            all.push(result.detach());
            all.extend(inputs.iter().map(|input| input.grad().copy()));
        }
        all
    };
    for (place, (ours, libtorchs)) in found(&Cpu).iter().zip(&found(&Gpu)).enumerate() {
        assert!(ours.allclose(libtorchs, 1e-4, 1e-6, false), "{place}");
    }
}

/// A leaf that learns, rows × columns.
pub(super) fn leaf(rows: i64, columns: i64, by: f64) -> Tensor {
    let numbers = Tensor::arange(rows * columns, tch::kind::FLOAT_CPU) * by;
    numbers.sin().view([rows, columns]).set_requires_grad(true)
}
