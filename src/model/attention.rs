//! Multi-head attention whose queries come from the graph branch.

use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use super::{layers::Linear, pass::Pass};
use crate::kernels::{self, Heads, Tape};

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

    /// What the cells of `query_from` (m × width) gather from all cells behind `attended`, which they are not among: m × width.
    ///
    /// softmax(QKᵀ/√width)·V per head, in memory linear in m and n.
    #[must_use]
    pub fn from_others(&self, attended: &KeysValues, query_from: &Tensor) -> Tensor {
        let queries = self.toqueries.forward(query_from);
        let KeysValues { keys, values } = attended;
        let kernels = kernels::on(queries.device());
        let gathered = kernels.attend(&queries, keys, values, self.n_heads);
        self.unified(&gathered, &mut Tape::off())
    }

    /// What cells gather from each other: keys and values of `source`, queries of `query_from`, n × width each. In training,
    /// queries have dropout.
    ///
    /// Memory: linear in n.
    #[must_use]
    pub fn among(&self, source: &Tensor, query_from: &Tensor, pass: &mut Pass) -> Tensor {
        let heads = Heads {
            queries: &self.toqueries.weight,
            keys: &self.tokeys.weight,
            values: &self.tovalues.weight,
            n_heads: self.n_heads,
        };
        let (dropped, tape) = (pass.noise.next_key(), &mut pass.tape);
        let kernels = kernels::on(source.device());
        let gathered = kernels.attend_among(query_from, source, heads, dropped, tape);
        self.unified(&gathered, tape)
    }

    /// All heads' results (n × (heads·width)) as one, n × width.
    fn unified(&self, gathered: &Tensor, tape: &mut Tape) -> Tensor {
        let result = self.unifyheads.forward_joined(gathered, tape);
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
        let got = layer.from_others(&layer.keys_values(&source), &from);

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
        let among = layer.among(&source.narrow(0, 0, m), &from, &mut Pass::embedding());
        let others = layer.keys_values(&source.narrow(0, 0, m));
        assert!(among.allclose(&layer.from_others(&others, &from), 1e-5, 1e-6, false));
    }
}
