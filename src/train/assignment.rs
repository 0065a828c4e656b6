//! Soft assignment of cells to cluster centres, and the loss that sharpens it.

use tch::{Kind, Tensor};

/// Soft assignment of n cells to k centres.
#[derive(Debug)]
pub struct Assignment {
    /// q, n × k: rows sum to 1.
    pub q: Tensor,
    /// The target p, n × k: q sharpened and balanced over clusters; rows sum to 1.
    pub p: Tensor,
}

/// q_ik ∝ (1 + ‖z_i − c_k‖²)⁻² and p_ik ∝ q²_ik / Σ_i q_ik, for `z` n × d and `centers` k × d.
///
/// The published code squares the Student-t kernel of Xie et al. 2016 (arXiv:1511.06335), and so do we.
#[must_use]
pub fn assign(z: &Tensor, centers: &Tensor) -> Assignment {
    let q = student_t(z, centers);
    let p = target(&q, &frequencies(&q));
    Assignment { q, p }
}

/// The same for some of the cells, where the soft cluster frequencies (1 × k, any scale) of all are known.
#[must_use]
pub fn assign_given(z: &Tensor, centers: &Tensor, frequencies: &Tensor) -> Assignment {
    let q = student_t(z, centers);
    let p = target(&q, frequencies);
    Assignment { q, p }
}

/// Soft cluster frequencies Σ_i q_ik, 1 × k.
#[must_use]
pub fn frequencies(q: &Tensor) -> Tensor {
    q.sum_dim_intlist([0].as_slice(), true, Kind::Float)
}

/// q alone.
#[must_use]
pub fn student_t(z: &Tensor, centers: &Tensor) -> Tensor {
    let differences = z.unsqueeze(1) - centers.unsqueeze(0);
    let distances = differences
        .square()
        .sum_dim_intlist([2].as_slice(), false, Kind::Float);
    rows_to_one(&(distances + 1.0).square().reciprocal())
}

/// p for given soft cluster frequencies Σ_i q_ik (1 × k).
#[must_use]
pub fn target(q: &Tensor, frequencies: &Tensor) -> Tensor {
    rows_to_one(&(q.square() / frequencies))
}

/// KL(p‖q) summed over cells and clusters, divided by the number of cells.
///
/// Gradients flow through p as well as q, as in the published code.
#[must_use]
pub fn cluster_loss(assignment: &Assignment) -> Tensor {
    let Assignment { q, p } = assignment;
    (p.xlogy(p) - p * q.log()).sum(Kind::Float) / q.size()[0] as f64
}

fn rows_to_one(x: &Tensor) -> Tensor {
    x / x.sum_dim_intlist([1].as_slice(), true, Kind::Float)
}
