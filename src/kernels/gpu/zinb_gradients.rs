//! The decoder's output layers, ZINB losses and their gradients by libtorch's operations, a block of cells at a time.

use tch::{Kind, Tensor};

use super::zinb;
use crate::kernels::{Affine, CountTarget, OutputLayers, ZinbGradients};

/// Loss and gradients of `hidden` (n × 256) through the output layers for π, θ and μ.
///
/// Nothing leaves the device but the loss, once.
pub(super) fn zinb_gradients(
    hidden: &Tensor,
    layers: [Affine<'_>; 3],
    target: &CountTarget,
    wanted: OutputLayers,
) -> ZinbGradients {
    let by_hidden = hidden.zeros_like();
    let mut by_weights: Option<Vec<(Tensor, Tensor)>> =
        (wanted == OutputLayers::Trained).then(|| {
            let zeros = |layer: Affine<'_>| {
                (
                    layer.weight.zeros_like(),
                    layer.weight.select(1, 0).zeros_like(),
                )
            };
            layers.map(zeros).into()
        });
    let mut value = Tensor::zeros([0; 0], (Kind::Double, hidden.device()));
    let mut start = 0;
    for block in target.on_device(hidden.device()) {
        let length = block.counts.size()[0];
        let rows = hidden.narrow(0, start, length);
        let mut outputs = layers.map(|layer| layer.forward(&rows));
        value += zinb::replace_by_gradients(
            &mut outputs,
            &block.counts,
            &block.size_factors,
            target.on_host().scale(),
        );
        let mut by_rows = by_hidden.narrow(0, start, length);
        for (layer, gradient) in layers.iter().zip(&outputs) {
            let _ = by_rows.addmm_(gradient, layer.weight);
        }
        for ((by_weight, by_bias), gradient) in by_weights.iter_mut().flatten().zip(&outputs) {
            let _ = by_weight.addmm_(&gradient.tr(), &rows);
            *by_bias += gradient.sum_dim_intlist([0].as_slice(), false, Kind::Float);
        }
        start += length;
    }
    ZinbGradients {
        value: value.double_value(&[]),
        by_hidden,
        by_weights,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        counts::Csr,
        kernels::{HIDDEN_WIDTH as WIDTH_1, Kernels, cpu::Cpu},
        model::layers::Linear,
        seed::{Stream, stream},
    };

    #[test]
    fn gradients_are_those_of_the_cpus_kernel() {
        // Two blocks, the second of them not full.
        let (n_cells, n_genes) = (600, 2500);
        let rng = &mut stream(1, Stream::Weights);
        let layers: [Linear; 3] = std::array::from_fn(|_| Linear::new(WIDTH_1, n_genes, rng));
        let layers = layers.each_ref().map(Linear::affine);
        let size = [n_cells as i64, WIDTH_1 as i64];
        let hidden = (Tensor::arange(size[0] * size[1], tch::kind::FLOAT_CPU) * 0.37).sin();
        let mut counts = sprs::TriMatI::<f32, u32>::new((n_cells, n_genes));
        for cell in 0..n_cells {
            for gene in (cell % 5..n_genes).step_by(4) {
                counts.add_triplet(cell, gene, (1 + (cell * gene) % 9) as f32);
            }
        }
        let counts: Csr = counts.to_csr();
        let size_factors = (0..n_cells).map(|cell| 0.5 + (cell % 3) as f32).collect();
        let target = CountTarget::new(counts, size_factors);
        let hidden = hidden.view(size);
        let expected = Cpu.zinb_gradients(&hidden, layers, &target, OutputLayers::Trained);
        let found = zinb_gradients(&hidden, layers, &target, OutputLayers::Trained);
        assert!((found.value / expected.value - 1.0).abs() < 1e-5);
        let near = |found: &Tensor, expected: &Tensor| {
            let norm = |x: &Tensor| x.norm().double_value(&[]);
            norm(&(found - expected)) < 1e-4 * norm(expected)
        };
        assert!(near(&found.by_hidden, &expected.by_hidden));
        let pairs = found.by_weights.into_iter().zip(expected.by_weights);
        for (found, expected) in pairs.flat_map(|(a, b)| a.into_iter().zip(b)) {
            assert!(near(&found.0, &expected.0) && near(&found.1, &expected.1));
        }
    }
}
