//! From the embedding to the three parameters of every count's distribution.

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor, kind::FLOAT_CPU};

use super::{WIDTH_1, WIDTH_2, layers::Linear};
use crate::{
    kernels::{Tape, tensor::from_array},
    preprocess::Batches,
};

/// Two hidden layers, then one linear output layer per ZINB parameter.
#[derive(Debug)]
pub struct Decoder {
    /// d → 64.
    pub dec_1: Linear,
    /// Batches × 64, where the decoder is conditioned on them: what a cell's batch adds to the first hidden layer.
    pub batch: Option<Tensor>,
    /// 64 → 256.
    pub dec_2: Linear,
    /// 256 → genes: logit of the dropout probability π.
    pub calcu_pi: Linear,
    /// 256 → genes: before the softplus of the dispersion θ.
    pub calcu_disp: Linear,
    /// 256 → genes: logarithm of the mean at size factor 1.
    pub calcu_mean: Linear,
}

impl Decoder {
    /// A decoder from `n_z` to `n_genes`.
    pub fn new(n_genes: usize, n_z: usize, rng: &mut ChaCha8Rng) -> Self {
        Self {
            dec_1: Linear::new(n_z, WIDTH_2, rng),
            batch: None,
            dec_2: Linear::new(WIDTH_2, WIDTH_1, rng),
            calcu_pi: Linear::new(WIDTH_1, n_genes, rng),
            calcu_disp: Linear::new(WIDTH_1, n_genes, rng),
            calcu_mean: Linear::new(WIDTH_1, n_genes, rng),
        }
    }

    /// Conditions the decoder on so many batches. Their weights start at 0: the decoder is as it was until it is trained.
    ///
    /// As in scVI (Lopez et al. 2018, doi:10.1038/s41592-018-0229-2), the decoder reads the batch of a cell beside its embedding, so
    /// that the embedding need not hold what batches differ by.
    pub fn condition_on(&mut self, n_batches: usize) {
        let weights = Tensor::zeros([n_batches as i64, WIDTH_2 as i64], FLOAT_CPU);
        let weights = weights.to_device(self.dec_1.weight.device());
        self.batch = Some(weights.set_requires_grad(true));
    }

    /// The last hidden layer, n × 256, which the output layers read. `batches` are [`one_hot`] rows of the cells, where the decoder is
    /// conditioned on batches.
    #[must_use]
    pub fn hidden(&self, z: &Tensor, batches: Option<&Tensor>, tape: &mut Tape) -> Tensor {
        let first = self.dec_1.forward_joined(z, tape);
        let first = match (&self.batch, batches) {
            (Some(weights), Some(batches)) => first + batches.matmul(weights),
            _ => first,
        };
        self.dec_2.forward_joined(&first.relu(), tape).relu()
    }
}

/// The batches of some cells (positions), n × batches: 1 in the column of a cell's batch, and 0 elsewhere.
///
/// A product with these has its sums in a fixed order on a GPU too, as the gradient of an indexed row has not.
#[must_use]
pub fn one_hot(batches: &Batches, cells: &[usize], device: Device) -> Tensor {
    let mut rows = Array2::<f32>::zeros((cells.len(), batches.n_batches()));
    for (mut row, &cell) in rows.outer_iter_mut().zip(cells) {
        row[batches.of_cell[cell] as usize] = 1.0;
    }
    from_array(rows.view(), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Stream, stream};
    use tch::Kind;

    #[test]
    fn the_decoder_starts_as_without_batches_and_learns_their_weights() {
        let mut decoder = Decoder::new(20, 4, &mut stream(1, Stream::Weights));
        let z = Tensor::from_slice(&[0.5_f32, -1.0, 2.0, 0.1, 0.3, 0.7, -0.2, 1.0]).view([2, 4]);
        let plain = decoder.hidden(&z, None, &mut Tape::off());
        decoder.condition_on(3);
        let batches = Batches {
            of_cell: vec![2, 0],
            names: ["a", "b", "c"].map(str::to_owned).into(),
        };
        let rows = one_hot(&batches, &[0, 1], Device::Cpu);
        let mut tape = Tape::default();
        let hidden = decoder.hidden(&z, Some(&rows), &mut tape);
        assert_eq!(hidden, plain);
        tape.backward(&hidden.sum(Kind::Float));
        let weights = decoder.batch.as_ref().expect("weights");
        // The derivative by finite differences, of the weights of the first cell's batch together.
        let value = |step: f64| {
            tch::no_grad(|| {
                let _ = weights.get(2).g_add_scalar_(step);
                let hidden = decoder.hidden(&z, Some(&rows), &mut Tape::off());
                let value = hidden.sum(Kind::Double);
                let _ = weights.get(2).g_add_scalar_(-step);
                value.double_value(&[])
            })
        };
        let expected = (value(1e-3) - value(-1e-3)) / 2e-3;
        let sum = |batch: i64| {
            weights
                .grad()
                .get(batch)
                .sum(Kind::Double)
                .double_value(&[])
        };
        let found = sum(2);
        assert!(
            (found - expected).abs() < 0.02 * expected.abs().max(1.0),
            "{found} {expected}"
        );
        assert!(sum(1).abs() < f64::EPSILON && sum(0).abs() > 1e-3);
    }
}
