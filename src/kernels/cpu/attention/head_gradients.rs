//! Gradients of one head, gathered block by block.

use std::ops::Range;

use faer::MatMut;

use crate::kernels::tensor::rows_mut;

/// One head's gradients by all queries, and by a run of keys and their values.
pub(super) struct HeadGradients {
    head: usize,
    keys: Range<usize>,
    width: usize,
    by_query: Vec<f32>,
    by_key: Vec<f32>,
    by_value: Vec<f32>,
}

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

    /// Adds these gradients to those by all queries, keys and values, whose rows are `wide`.
    pub(super) fn add_to(&self, all: &mut [&mut [f32]; 3], wide: usize) {
        let parts = [
            (&self.by_query, 0),
            (&self.by_key, self.keys.start),
            (&self.by_value, self.keys.start),
        ];
        for (all, (part, first)) in all.iter_mut().zip(parts) {
            let rows = all[first * wide..].chunks_mut(wide);
            for (row, part) in rows.zip(part.chunks(self.width)) {
                let row = &mut row[self.head * self.width..][..self.width];
                row.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
            }
        }
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
