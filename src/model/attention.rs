//! Multi-head attention whose queries come from the graph branch.

use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use super::{layers::Linear, pass::Pass};
use crate::kernels;

/// Keys and values from one branch, queries from another; every head is as wide as its input.
#[derive(Debug)]
pub struct CrossAttention {
    n_heads: usize,
    /// width → heads·width, no bias.
    pub toqueries: Linear,
    /// width → heads·width, no bias.
    pub tokeys: Linear,
    /// width → heads·width, no bias.
    pub tovalues: Linear,
    /// heads·width → width.
    pub unifyheads: Linear,
    /// What the result is multiplied by, one number, where the model has a residual part.
    pub gate: Option<Tensor>,
}

/// What cells are attended to: keys and values, each n × (heads·width).
#[derive(Debug)]
pub struct KeysValues {
    keys: Tensor,
    values: Tensor,
}

impl CrossAttention {
    /// Attention over features of `width`.
    pub fn new(width: usize, n_heads: usize, rng: &mut ChaCha8Rng) -> Self {
        let wide = n_heads * width;
        Self {
            n_heads,
            toqueries: Linear::without_bias(width, wide, rng),
            tokeys: Linear::without_bias(width, wide, rng),
            tovalues: Linear::without_bias(width, wide, rng),
            unifyheads: Linear::new(wide, width, rng),
            gate: None,
        }
    }

    /// Keys and values of `source` (n × width).
    #[must_use]
    pub fn keys_values(&self, source: &Tensor) -> KeysValues {
        KeysValues {
            keys: self.tokeys.forward(source),
            values: self.tovalues.forward(source),
        }
    }

    /// What the cells of `query_from` (m × width) gather from all cells behind `attended`: m × width.
    ///
    /// softmax(QKᵀ/√width)·V per head, in memory linear in m and n.
    #[must_use]
    pub fn forward(&self, attended: &KeysValues, query_from: &Tensor, pass: &mut Pass) -> Tensor {
        let queries = self.toqueries.forward(query_from);
        let queries = pass.noise.drop_queries(&queries, &mut pass.tape);
        let KeysValues { keys, values } = attended;
        let gathered = kernels::on(queries.device()).attend(
            &queries,
            keys,
            values,
            self.n_heads,
            &mut pass.tape,
        );
        let result = self.unifyheads.forward(&gathered);
        match &self.gate {
            Some(gate) => result * gate,
            None => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Stream, stream};
    use tch::Kind;

    #[test]
    fn attention_equals_its_formula() {
        let (n, m, width, heads) = (7_i64, 5_i64, 4_i64, 3_i64);
        let layer = CrossAttention::new(4, 3, &mut stream(1, Stream::Weights));
        let source = Tensor::arange(n * width, tch::kind::FLOAT_CPU)
            .sin()
            .view([n, width]);
        let from = Tensor::arange(m * width, tch::kind::FLOAT_CPU)
            .cos()
            .view([m, width]);
        let got = layer.forward(&layer.keys_values(&source), &from, &mut Pass::embedding());

        let head = |t: Tensor, rows: i64| t.view([rows, heads, width]).transpose(0, 1);
        let q = head(from.matmul(&layer.toqueries.weight.tr()), m);
        let k = head(source.matmul(&layer.tokeys.weight.tr()), n);
        let v = head(source.matmul(&layer.tovalues.weight.tr()), n);
        let weights =
            (q.matmul(&k.transpose(1, 2)) / (width as f64).sqrt()).softmax(-1, Kind::Float);
        let plain = layer
            .unifyheads
            .forward(&weights.matmul(&v).transpose(0, 1).reshape([m, -1]));
        assert!(got.allclose(&plain, 1e-5, 1e-6, false));
    }
}
