//! A linear layer whose gradients are products that do not wait for each other.

use tch::Tensor;

use super::products::products;
use crate::kernels::{Affine, Tape};

/// As [`Kernels::linear`](crate::kernels::Kernels::linear).
pub(super) fn linear(x: &Tensor, layer: Affine<'_>, tape: &mut Tape) -> Tensor {
    let (fixed, weight) = (x.detach(), layer.weight.detach());
    let outputs = tch::no_grad(|| layer.forward(&fixed));
    let mut inputs = vec![x, layer.weight];
    inputs.extend(layer.bias);
    let has_bias = layer.bias.is_some();
    tape.join(&inputs, outputs, move |gradient| {
        let mut found: Vec<Tensor> = products([(gradient, weight), (&gradient.tr(), fixed)]).into();
        if has_bias {
            found.push(gradient.sum_dim_intlist([0].as_slice(), false, tch::Kind::Float));
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::cpu::beside_libtorch::{assert_same, leaf};

    #[test]
    fn values_and_gradients_are_libtorchs() {
        let (x, weight) = (leaf(50, 12, 0.7), leaf(8, 12, 1.3));
        let shift = leaf(1, 8, 0.9).detach().view([8]);
        let shift = shift.set_requires_grad(true);
        for bias in [None, Some(&shift)] {
            let weight = &weight;
            let layer = Affine { weight, bias };
            let mut inputs = vec![&x, weight];
            inputs.extend(bias);
            assert_same(&inputs, |kernels, tape| kernels.linear(&x, layer, tape));
            // Cells that nothing is learnt of.
            let fixed = x.detach();
            let layers = &inputs[1..];
            assert_same(layers, |kernels, tape| kernels.linear(&fixed, layer, tape));
        }
    }
}
