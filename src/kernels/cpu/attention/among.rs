//! Attention of cells to each other from their features on: projections, attention, and the way back through both. Products that do
//! not wait for each other are worked out at once.

use tch::Tensor;

use super::Attention;
use crate::kernels::{
    Heads, NoiseKey, Tape,
    cpu::{noise, products::products},
};

/// As [`Kernels::attend_among`](crate::kernels::Kernels::attend_among).
pub fn attend_among(
    query_from: &Tensor,
    source: &Tensor,
    heads: Heads<'_>,
    dropped: Option<NoiseKey>,
    tape: &mut Tape,
) -> Tensor {
    let weights = [heads.queries, heads.keys, heads.values];
    let fixed = weights.map(Tensor::detach);
    let (from, cells) = (query_from.detach(), source.detach());
    let [queries, keys, values] = products([
        (&from, fixed[0].tr()),
        (&cells, fixed[1].tr()),
        (&cells, fixed[2].tr()),
    ]);
    let queries = kept(queries, dropped);
    let attention = Attention::new(&queries, &keys, &values, heads.n_heads);
    let found = attention.forward();
    let gathered = found.gathered.shallow_clone();
    let [queries, keys, values] = weights;
    let inputs = [query_from, source, queries, keys, values];
    tape.join(&inputs, gathered, move |gradient| {
        let [by_queries, by_keys, by_values] = attention.backward(&found, gradient);
        let by_queries = kept(by_queries, dropped);
        let [queries, keys, values] = fixed;
        let [
            by_from,
            by_cells,
            by_cells_too,
            of_queries,
            of_keys,
            of_values,
        ] = products([
            (&by_queries, queries),
            (&by_keys, keys),
            (&by_values, values),
            (&by_queries.tr(), from),
            (&by_keys.tr(), cells.shallow_clone()),
            (&by_values.tr(), cells),
        ]);
        let by_cells = by_cells + by_cells_too;
        vec![by_from, by_cells, of_queries, of_keys, of_values]
    })
}

/// Queries, or gradients by them, after dropout.
fn kept(queries: Tensor, dropped: Option<NoiseKey>) -> Tensor {
    match dropped {
        Some(key) => noise::drop_entries(&queries, key),
        None => queries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::cpu::beside_libtorch::{assert_same, leaf};

    #[test]
    fn values_and_gradients_are_libtorchs() {
        let (source, from) = (leaf(40, 6, 0.7), leaf(40, 6, 1.3));
        let [queries, keys, values] = [0.3, 0.9, 1.7].map(|by| leaf(18, 6, by));
        let heads = Heads {
            queries: &queries,
            keys: &keys,
            values: &values,
            n_heads: 3,
        };
        for dropped in [None, Some(NoiseKey::new(3, 1))] {
            let inputs = [&source, &from, &queries, &keys, &values];
            assert_same(&inputs, |kernels, tape| {
                kernels.attend_among(&from, &source, heads, dropped, tape)
            });
            // Cells that are their own queries have a gradient from both sides.
            assert_same(&inputs[..1], |kernels, tape| {
                kernels.attend_among(&source, &source, heads, dropped, tape)
            });
        }
    }
}
