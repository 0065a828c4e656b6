//! The graph loss: how far σ(g2·g2ᵀ) is from the target, by blocks of rows.

use tch::{Kind, Tensor};

use crate::kernels::{GraphTarget, LossTerm};

/// Mean over all n² pairs of (σ(g2·g2ᵀ) − R)², for g2 of shape n × d and the n × n target R.
///
/// With E = A' − R, the gradient by the products S = g2·g2ᵀ is 2E∘A'∘(1−A')/n²; by g2 it is that times g2, plus
/// its transpose times g2, since R need not be symmetric. One block of rows exists at a time.
#[must_use]
pub fn graph_loss(g2: &Tensor, target: &GraphTarget<'_>) -> LossTerm {
    let fixed = g2.detach();
    let n = fixed.size()[0];
    let scale = 2.0 / (n * n) as f64;
    let mut gradient = fixed.zeros_like();
    let mut sum = Tensor::zeros([0; 0], (Kind::Double, g2.device()));
    let (kernels, block) = (target.kernels(), target.rows_at_a_time(n as usize));
    tch::no_grad(|| {
        for start in (0..n).step_by(block) {
            let length = (block as i64).min(n - start);
            let rows = fixed.narrow(0, start, length);
            let mut products = rows.matmul(&fixed.tr());
            sum += kernels.graph_errors(&mut products, target, start as usize, scale);
            let _ = gradient.addmm_(&products.tr(), &rows);
            let _ = gradient.narrow(0, start, length).addmm_(&products, &fixed);
        }
    });
    let value = sum.double_value(&[]) / (n * n) as f64;
    LossTerm::from_gradients(value, &[(g2, gradient)])
}
