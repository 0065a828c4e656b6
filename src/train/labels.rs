//! Final labels of all cells from their embedding and the learned centres.

use ndarray::{ArrayView2, Axis, s};
use tch::{Device, Tensor};

use super::assignment::{frequencies, student_t, target};
use crate::{grouping::n_groups, kernels::tensor::from_array, partition::by_size};

/// Differences of cells and centres that are held at a time: 64 MB.
const BLOCK_VALUES: usize = 1 << 24;

/// The cluster of highest p for every cell of `z` (n × d): 0.. by decreasing size, empty clusters left out.
///
/// p is balanced over all n cells. `centers` are k × d. Costs n·k floats of memory, and 64 MB.
#[must_use]
pub fn label_cells(z: ArrayView2<'_, f32>, centers: &Tensor) -> Vec<usize> {
    let centers = centers.detach().to_device(Device::Cpu);
    let block = (BLOCK_VALUES / centers.numel().max(1)).max(1);
    let blocks: Vec<Tensor> = (0..z.len_of(Axis(0)))
        .step_by(block)
        .map(|start| {
            let end = (start + block).min(z.len_of(Axis(0)));
            student_t(
                &from_array(z.slice(s![start..end, ..]), Device::Cpu),
                &centers,
            )
        })
        .collect();
    let q = Tensor::cat(&blocks, 0);
    let labels = target(&q, &frequencies(&q)).argmax(1, false);
    let labels: Vec<i64> = Vec::try_from(labels).unwrap_or_default();
    by_size(
        &labels
            .into_iter()
            .map(|label| label as usize)
            .collect::<Vec<_>>(),
    )
}

/// Mean embedding of each cluster: k × d, for `labels` 0..k of the rows of `z`, none empty.
#[must_use]
pub fn centers(z: ArrayView2<'_, f32>, labels: &[usize]) -> Tensor {
    let k = n_groups(labels);
    let mut sums = vec![vec![0.0_f64; z.ncols()]; k];
    let mut sizes = vec![0_usize; k];
    for (row, &label) in z.rows().into_iter().zip(labels) {
        sizes[label] += 1;
        sums[label]
            .iter_mut()
            .zip(row)
            .for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let means: Vec<f32> = sums
        .iter()
        .zip(&sizes)
        .flat_map(|(sum, &size)| sum.iter().map(move |&s| (s / size.max(1) as f64) as f32))
        .collect();
    Tensor::from_slice(&means).view([k as i64, z.ncols() as i64])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tensor::to_array;
    use ndarray::array;

    #[test]
    fn centres_are_means() {
        let z = array![[0.0_f32, 2.0], [4.0, 4.0], [2.0, 0.0]];
        assert_eq!(
            to_array(&centers(z.view(), &[0, 1, 0])),
            array![[1.0, 1.0], [4.0, 4.0]]
        );
    }

    #[test]
    fn cells_take_the_nearest_centre_and_clusters_are_numbered_by_size() {
        let z = array![[0.0_f32, 0.0], [9.0, 9.0], [9.1, 9.0], [9.0, 9.2]];
        let centers = Tensor::from_slice(&[0.0_f32, 0.0, 9.0, 9.0, 500.0, 0.0]).view([3, 2]);
        assert_eq!(label_cells(z.view(), &centers), [1, 0, 0, 0]);
    }
}
