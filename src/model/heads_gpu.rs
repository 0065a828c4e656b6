//! Decoder heads, ZINB losses and their gradients by libtorch's operations, a block of cells at a time.

use tch::{Device, Kind, Tensor};

use super::{
    layers::Linear,
    reconstruction::{CountTarget, HeadGradients, HeadWeights, HostCounts},
    zinb_plain,
};

/// Cells that are decoded at a time.
pub(super) const BLOCK: usize = 256;

/// A block of cells on the device, for the whole of a run.
#[derive(Debug)]
pub(super) struct DeviceBlock {
    /// Raw counts, cells × genes.
    counts: Tensor,
    /// cells × 1.
    size_factors: Tensor,
}

impl DeviceBlock {
    /// The cells of `target` from `start` on, at most [`BLOCK`] of them.
    pub(super) fn new(target: &HostCounts, start: usize, device: Device) -> Self {
        let length = BLOCK.min(target.n_cells() - start);
        let (counts, size_factors) = target.dense(start, length);
        Self {
            counts: counts.to_device(device),
            size_factors: Tensor::from_slice(size_factors)
                .view([-1, 1])
                .to_device(device),
        }
    }
}

/// Loss and gradients of `hidden` (n × 256) through the heads for π, θ and μ.
///
/// Nothing leaves the device but the loss, once.
pub(super) fn head_gradients(
    hidden: &Tensor,
    heads: [&Linear; 3],
    target: &CountTarget,
    wanted: HeadWeights,
) -> HeadGradients {
    let by_hidden = hidden.zeros_like();
    let mut by_weights: Option<Vec<(Tensor, Tensor)>> =
        (wanted == HeadWeights::Trained).then(|| {
            let zeros = |head: &Linear| {
                (
                    head.weight.zeros_like(),
                    head.weight.select(1, 0).zeros_like(),
                )
            };
            heads.map(zeros).into()
        });
    let mut value = Tensor::zeros([0; 0], (Kind::Double, hidden.device()));
    let mut start = 0;
    for block in target.on_device(hidden.device()) {
        let length = block.counts.size()[0];
        let rows = hidden.narrow(0, start, length);
        let mut outputs = heads.map(|head| head.forward(&rows));
        value += zinb_plain::replace_by_gradients(
            &mut outputs,
            &block.counts,
            &block.size_factors,
            target.on_host().scale(),
        );
        let mut by_rows = by_hidden.narrow(0, start, length);
        for (head, gradient) in heads.iter().zip(&outputs) {
            let _ = by_rows.addmm_(gradient, &head.weight);
        }
        for ((by_weight, by_bias), gradient) in by_weights.iter_mut().flatten().zip(&outputs) {
            let _ = by_weight.addmm_(&gradient.tr(), &rows);
            *by_bias += gradient.sum_dim_intlist([0].as_slice(), false, Kind::Float);
        }
        start += length;
    }
    HeadGradients {
        value: value.double_value(&[]),
        by_hidden,
        by_weights,
    }
}
