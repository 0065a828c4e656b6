//! The graph loss of a block of rows, and its gradient by the products, in libtorch's operations.

use tch::{Kind, Tensor};

/// Overwrites a block of products by `scale`·E∘A'∘(1−A'); the block's sum of E², on its device.
pub(super) fn graph_errors(products: &mut Tensor, wanted: &Tensor, scale: f64) -> Tensor {
    let reconstructed = products.sigmoid();
    let error = &reconstructed - wanted;
    products.copy_(&(&error * &reconstructed * (1.0 - &reconstructed) * scale));
    error.square().sum(Kind::Double)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use ndarray::Array2;
    use tch::Device;

    use super::*;
    use crate::{
        graph::Adjacency,
        kernels::{GraphTarget, Kernels, cpu::Cpu, tensor::from_array},
    };

    #[test]
    fn errors_and_gradients_are_those_of_the_cpus_kernel() {
        let n = 300;
        let g2 = Tensor::linspace(-1.0, 1.0, n * 4, tch::kind::FLOAT_CPU)
            .sin()
            .view([n, 4]);
        let wanted = Array2::from_shape_fn((300, 300), |(i, j)| ((i * 7 + j) % 5) as f32 * 0.3);
        let (mut found, mut expected) = (g2.matmul(&g2.tr()), g2.matmul(&g2.tr()));
        let sum = graph_errors(&mut found, &from_array(wanted.view(), Device::Cpu), 0.5);
        let target = GraphTarget::Stored(Cow::Owned(Adjacency::Dense(wanted)));
        let same = Cpu.graph_errors(&mut expected, &target, 0, 0.5);
        assert!(((sum / same).double_value(&[]) - 1.0).abs() < 1e-6);
        assert!(found.allclose(&expected, 1e-4, 1e-7, false));
    }
}
