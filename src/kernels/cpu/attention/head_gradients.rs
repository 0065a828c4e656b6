//! Gradients of one head, gathered block by block.

use std::ops::Range;

use faer::MatMut;
use tch::Tensor;

use crate::kernels::{
    cpu::at_once::at_once,
    tensor::{rows_mut, values_mut},
};

/// One head's gradients by all queries, and by a run of keys and their values.
pub(super) struct HeadGradients {
    head: usize,
    keys: Range<usize>,
    width: usize,
    by_query: Vec<f32>,
    by_key: Vec<f32>,
    by_value: Vec<f32>,
}

/// One of the three gradients, and the first of its rows among all.
type Part = fn(&HeadGradients) -> (&[f32], usize);

impl HeadGradients {
    pub(super) fn new(head: usize, keys: Range<usize>, n_queries: usize, width: usize) -> Self {
        let of_keys = vec![0.0; keys.len() * width];
        Self {
            head,
            keys,
            width,
            by_query: vec![0.0; n_queries * width],
            by_key: of_keys.clone(),
            by_value: of_keys,
        }
    }

    /// The gradients by all queries, keys and values (n rows, heads·width wide) that those of heads and runs of keys add up to, in
    /// their order.
    pub(super) fn sums(tasks: &[Self], shapes: [&Tensor; 3]) -> [Tensor; 3] {
        let [queries, keys, values] = shapes.map(|tensor| tensor.size2().unwrap_or_default());
        let parts: [(Part, _); 3] = [
            (|task| (&task.by_query, 0), queries),
            (|task| (&task.by_key, task.keys.start), keys),
            (|task| (&task.by_value, task.keys.start), values),
        ];
        at_once(parts, |(part, (n_rows, wide))| {
            let mut sum = Tensor::zeros([n_rows, wide], tch::kind::FLOAT_CPU);
            let (all, wide) = (values_mut(&mut sum), wide as usize);
            for task in tasks {
                let (part, first) = part(task);
                let rows = all[first * wide..].chunks_mut(wide);
                for (row, part) in rows.zip(part.chunks(task.width)) {
                    let row = &mut row[task.head * task.width..][..task.width];
                    row.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
                }
            }
            sum
        })
    }

    /// The gradients by a block of queries, and by a block of keys (from the run's first on) and their values.
    pub(super) fn blocks(
        &mut self,
        query: usize,
        n_queries: usize,
        key: usize,
        n_keys: usize,
    ) -> [MatMut<'_, f32>; 3] {
        let block = |all, first: usize, n_rows: usize| {
            let all: &mut Vec<f32> = all;
            &mut all[first * self.width..][..n_rows * self.width]
        };
        [
            rows_mut(block(&mut self.by_query, query, n_queries), self.width),
            rows_mut(block(&mut self.by_key, key, n_keys), self.width),
            rows_mut(block(&mut self.by_value, key, n_keys), self.width),
        ]
    }
}
