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

/// The target of which half is p and half each cell's anchor, for the cells that have one; no gradient flows through it.
///
/// `anchors`: the cluster, below k, of each of the n cells, or `None`.
#[must_use]
pub fn anchored(assignment: Assignment, anchors: &[Option<usize>]) -> Assignment {
    let Assignment { q, p } = assignment;
    let n_clusters = p.size()[1] as usize;
    let mut halves = vec![0.0_f32; anchors.len() * n_clusters];
    let mut left = vec![1.0_f32; anchors.len()];
    for (cell, anchor) in anchors.iter().enumerate() {
        if let Some(cluster) = anchor {
            halves[cell * n_clusters + cluster] = 0.5;
            left[cell] = 0.5;
        }
    }
    let halves = Tensor::from_slice(&halves)
        .view_as(&p)
        .to_device(p.device());
    let left = Tensor::from_slice(&left)
        .view([-1, 1])
        .to_device(p.device());
    Assignment {
        p: p.detach() * left + halves,
        q,
    }
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
