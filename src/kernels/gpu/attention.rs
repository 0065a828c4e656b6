//! Attention by libtorch's products, a block of queries at a time.
//!
//! libtorch's own fused kernel adds up the gradients by the queries from several thread blocks in the order in which these end, so
//! that the same seed gives different labels. Products by the vendor's library have one order of sums.

use tch::{Kind, Tensor};

use crate::kernels::Tape;

/// Numbers of a block of attention weights, all heads together; four such blocks of 32 MiB exist at a time.
const AT_A_TIME: i64 = 1 << 23;

/// softmax(QKᵀ/√width)·V by head: queries m × (heads·width), keys and values n × (heads·width), to m × (heads·width).
///
/// In memory linear in m and n; the gradient works the weights out once more.
pub(super) fn attend(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    n_heads: usize,
    tape: &mut Tape,
) -> Tensor {
    let n_heads = n_heads as i64;
    let by_head = |wide: &Tensor| Heads::of(wide, n_heads);
    let all = Attention {
        queries: by_head(queries),
        keys: by_head(keys),
        values: by_head(values),
    };
    let gathered = tch::no_grad(|| all.forward());
    tape.join(&[queries, keys, values], gathered, move |gradient| {
        all.gradients(&Heads::of(gradient, n_heads)).into()
    })
}

/// A matrix of n × (heads·width), seen as heads × n × width.
struct Heads(Tensor);

impl Heads {
    fn of(wide: &Tensor, n_heads: i64) -> Self {
        let wide = wide.detach();
        Self(wide.reshape([wide.size()[0], n_heads, -1]).transpose(0, 1))
    }

    fn rows(&self, start: i64, length: i64) -> Tensor {
        self.0.narrow(1, start, length)
    }

    fn n_rows(&self) -> i64 {
        self.0.size()[1]
    }
}

/// n × (heads·width) of heads × n × width.
fn side_by_side(by_head: &Tensor) -> Tensor {
    let [_, n, _] = by_head.size()[..] else {
        unreachable!("heads, rows and their width")
    };
    by_head.transpose(0, 1).reshape([n, -1])
}

struct Attention {
    queries: Heads,
    keys: Heads,
    values: Heads,
}

impl Attention {
    fn blocks(&self) -> impl Iterator<Item = (i64, i64)> {
        let (n_heads, n_queries) = (self.queries.0.size()[0], self.queries.n_rows());
        let rows = (AT_A_TIME / (n_heads * self.keys.n_rows()).max(1)).max(1);
        (0..n_queries)
            .step_by(rows as usize)
            .map(move |start| (start, rows.min(n_queries - start)))
    }

    fn scale(&self) -> f64 {
        (self.queries.0.size()[2] as f64).sqrt().recip()
    }

    /// Heads × block × n.
    fn weights(&self, queries: &Tensor) -> Tensor {
        let scores = (queries * self.scale()).bmm(&self.keys.0.transpose(1, 2));
        scores.softmax(-1, Kind::Float)
    }

    fn forward(&self) -> Tensor {
        let gathered: Vec<Tensor> = self
            .blocks()
            .map(|(start, length)| {
                let weights = self.weights(&self.queries.rows(start, length));
                side_by_side(&weights.bmm(&self.values.0))
            })
            .collect();
        Tensor::cat(&gathered, 0)
    }

    /// The gradients by queries, keys and values, each n × (heads·width), for that by the output.
    fn gradients(&self, by_output: &Heads) -> [Tensor; 3] {
        let mut by_queries = Vec::new();
        let [mut by_keys, mut by_values] = [&self.keys, &self.values]
            .map(|heads| Tensor::zeros(heads.0.size(), (Kind::Float, heads.0.device())));
        for (start, length) in self.blocks() {
            let queries = self.queries.rows(start, length);
            let by_output = by_output.rows(start, length);
            let weights = self.weights(&queries);
            let _ = by_values.baddbmm_(&weights.transpose(1, 2), &by_output);
            let by_weights = by_output.bmm(&self.values.0.transpose(1, 2));
            let by_scores =
                Tensor::internal_softmax_backward_data(&by_weights, &weights, -1, Kind::Float);
            let _ = by_keys.baddbmm_(&by_scores.transpose(1, 2), &(queries * self.scale()));
            by_queries.push(side_by_side(&(by_scores.bmm(&self.keys.0) * self.scale())));
        }
        [
            Tensor::cat(&by_queries, 0),
            side_by_side(&by_keys),
            side_by_side(&by_values),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::cpu;

    /// So many queries that they fill several blocks and a part, keys and values; and a gradient by what is gathered.
    fn case(n_heads: i64) -> ([Tensor; 3], Tensor) {
        let (n_queries, n_keys, width) = (1800, 3000, 3);
        let made = |n: i64, by: f64| {
            let x = (Tensor::arange(n * n_heads * width, tch::kind::FLOAT_CPU) * by).sin() * 2.0;
            x.view([n, n_heads * width])
        };
        let inputs = [(n_queries, 0.7), (n_keys, 0.3), (n_keys, 1.1)].map(|(n, by)| made(n, by));
        (inputs, made(n_queries, 0.5))
    }

    #[test]
    fn attention_and_its_gradients_are_the_cpus() {
        let ([queries, keys, values], gradient) = case(8);
        let ours = cpu::attention::Attention::new(&queries, &keys, &values, 8);
        let attended = ours.forward();
        let gradients = ours.backward(&attended, &gradient);
        let inputs = [queries, keys, values].map(|input| input.set_requires_grad(true));
        let mut tape = Tape::default();
        let [queries, keys, values] = &inputs;
        let gathered = attend(queries, keys, values, 8, &mut tape);
        tape.backward(&(&gathered * gradient).sum(Kind::Float));
        let expected = std::iter::once(attended.gathered).chain(gradients);
        let found = std::iter::once(gathered.detach()).chain(inputs.iter().map(Tensor::grad));
        for (found, expected) in found.zip(expected) {
            let norm = |x: &Tensor| x.norm().double_value(&[]);
            let error = norm(&(found - &expected)) / norm(&expected);
            assert!(error < 1e-4, "{error:.1e}");
        }
    }
}
