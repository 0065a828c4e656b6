//! Exact attention on the CPU in memory linear in the number of cells.
//!
//! softmax(QKᵀ/√e)·V per head, where no block of QKᵀ outlives its turn: the softmax is renormalised as blocks of keys
//! pass by, and the way back computes the blocks anew (Dao 2024, arXiv:2307.08691). Blocks are multiplied by one
//! thread each, so that results do not depend on the number of threads.

use std::ops::Range;

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;
use tch::Tensor;

mod among;
mod head_gradients;
mod softmax;

pub(super) use self::among::attend_among;

use self::{
    head_gradients::HeadGradients,
    softmax::{Soften, Softmax},
};
use crate::{
    kernels::tensor::{rows_mut, values, values_mut},
    special::ln,
};

/// Queries that meet a block of keys at a time.
const QUERIES: usize = 128;

/// Keys of a block.
const KEYS: usize = 512;

/// Keys whose gradients are one task, where there are enough of them.
const KEYS_PER_TASK: usize = 1024;

/// Most such tasks for a head: each holds a gradient by all queries.
const MOST_TASKS: usize = 4;

/// Queries (m × heads·e), keys and values (n × heads·e each); head h has the columns from h·e on.
#[derive(Debug)]
pub struct Attention {
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    n_heads: usize,
}

/// What the queries gathered, and what the way back needs of the way there.
#[derive(Debug)]
pub struct Attended {
    /// m × heads·e.
    pub gathered: Tensor,
    /// Logarithm of the softmax's denominator, m × heads.
    ln_sums: Vec<f32>,
}

impl Attention {
    /// Attention of float32 CPU tensors.
    #[must_use]
    pub fn new(queries: &Tensor, keys: &Tensor, values: &Tensor, n_heads: usize) -> Self {
        let fixed = |x: &Tensor| x.detach().contiguous();
        Self {
            queries: fixed(queries),
            keys: fixed(keys),
            values: fixed(values),
            n_heads,
        }
    }

    /// The way there: 4 · m · n · heads · e operations; memory of the result, and a block per thread.
    #[must_use]
    pub fn forward(&self) -> Attended {
        let mut gathered = self.queries.zeros_like();
        let ln_sums = self.entries().forward(values_mut(&mut gathered));
        Attended { gathered, ln_sums }
    }

    /// The way back: gradients by queries, keys and values, for the gradient by what was gathered.
    ///
    /// 10 · m · n · heads · e operations.
    #[must_use]
    pub fn backward(&self, attended: &Attended, gradient: &Tensor) -> [Tensor; 3] {
        let gradient = gradient.contiguous();
        let by_output = Output {
            gradient: values(&gradient),
            ln_sums: &attended.ln_sums,
            shares: &self
                .entries()
                .shares(values(&attended.gathered), values(&gradient)),
        };
        let tasks = self.entries().backward(&by_output);
        HeadGradients::sums(&tasks, [&self.queries, &self.keys, &self.values])
    }

    fn entries(&self) -> Entries<'_> {
        Entries {
            queries: values(&self.queries),
            keys: values(&self.keys),
            values: values(&self.values),
            n_heads: self.n_heads,
            wide: self.queries.size()[1] as usize,
        }
    }
}

/// The entries of queries, keys and values, row by row.
#[derive(Clone, Copy)]
struct Entries<'a> {
    queries: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
    n_heads: usize,
    wide: usize,
}

/// What the way back starts from.
struct Output<'a> {
    /// The gradient by what was gathered, m × heads·e.
    gradient: &'a [f32],
    /// As in [`Attended`].
    ln_sums: &'a [f32],
    /// Σ over a head's columns of what was gathered times its gradient: m × heads.
    shares: &'a [f32],
}

impl Entries<'_> {
    fn width(&self) -> usize {
        self.wide / self.n_heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width() as f32).sqrt()
    }

    fn n_keys(&self) -> usize {
        self.keys.len() / self.wide
    }

    fn n_queries(&self) -> usize {
        self.queries.len() / self.wide
    }

    fn forward(&self, gathered: &mut [f32]) -> Vec<f32> {
        let mut ln_sums = vec![0.0; self.n_queries() * self.n_heads];
        gathered
            .par_chunks_mut(QUERIES * self.wide)
            .zip(ln_sums.par_chunks_mut(QUERIES * self.n_heads))
            .enumerate()
            .for_each_init(Vec::new, |scores, (block, (gathered, ln_sums))| {
                for head in 0..self.n_heads {
                    self.gather(block * QUERIES, head, gathered, ln_sums, scores);
                }
            });
        ln_sums
    }

    /// One head of a block of queries.
    fn gather(
        &self,
        first: usize,
        head: usize,
        gathered: &mut [f32],
        ln_sums: &mut [f32],
        scores: &mut Vec<f32>,
    ) {
        let (e, wide) = (self.width(), self.wide);
        let n_queries = gathered.len() / wide;
        let queries = self.block(self.queries, head, first, n_queries);
        let n_keys = self.n_keys();
        let mut soft = Softmax::new(n_queries);
        for key in (0..n_keys).step_by(KEYS) {
            let length = KEYS.min(n_keys - key);
            let scores = sized(scores, n_queries * length);
            multiply(
                rows_mut(scores, length),
                Accum::Replace,
                queries,
                self.block(self.keys, head, key, length).transpose(),
                self.scale(),
            );
            let rescaled = soft.take(scores, length);
            let mut out = rows_mut(gathered, wide).subcols_mut(head * e, e);
            for (row, &factor) in rescaled.iter().enumerate() {
                for column in 0..e {
                    out[(row, column)] *= factor;
                }
            }
            multiply(
                out,
                Accum::Add,
                MatRef::from_row_major_slice(scores, n_queries, length),
                self.block(self.values, head, key, length),
                1.0,
            );
        }
        for (row, gathered) in gathered.chunks_mut(wide).enumerate() {
            let out = &mut gathered[head * e..(head + 1) * e];
            for x in out.iter_mut() {
                *x /= soft.sums[row];
            }
            ln_sums[row * self.n_heads + head] = soft.maxima[row] + ln(soft.sums[row]);
        }
    }

    fn backward(&self, output: &Output<'_>) -> Vec<HeadGradients> {
        let n_keys = self.n_keys();
        let n_tasks = n_keys.div_ceil(KEYS_PER_TASK).clamp(1, MOST_TASKS);
        (0..self.n_heads * n_tasks)
            .into_par_iter()
            .map(|task| {
                let (head, part) = (task / n_tasks, task % n_tasks);
                let edge = |part: usize| part * n_keys / n_tasks;
                self.head_gradients(head, edge(part)..edge(part + 1), output)
            })
            .collect()
    }

    fn shares(&self, gathered: &[f32], gradient: &[f32]) -> Vec<f32> {
        let by_head = gathered
            .chunks(self.width())
            .zip(gradient.chunks(self.width()));
        by_head
            .map(|(gathered, gradient)| gathered.iter().zip(gradient).map(|(a, b)| a * b).sum())
            .collect()
    }

    fn head_gradients(
        &self,
        head: usize,
        keys: Range<usize>,
        output: &Output<'_>,
    ) -> HeadGradients {
        let n_queries = self.n_queries();
        let mut found = HeadGradients::new(head, keys.clone(), n_queries, self.width());
        let (mut weights, mut errors) = (Vec::new(), Vec::new());
        for key in keys.clone().step_by(KEYS) {
            let n_keys = KEYS.min(keys.end - key);
            let (k, v) = (
                self.block(self.keys, head, key, n_keys),
                self.block(self.values, head, key, n_keys),
            );
            for query in (0..n_queries).step_by(QUERIES) {
                let length = QUERIES.min(n_queries - query);
                let weights = sized(&mut weights, length * n_keys);
                let errors = sized(&mut errors, length * n_keys);
                let q = self.block(self.queries, head, query, length);
                let by_output = self.block(output.gradient, head, query, length);
                multiply(
                    rows_mut(weights, n_keys),
                    Accum::Replace,
                    q,
                    k.transpose(),
                    self.scale(),
                );
                multiply(
                    rows_mut(errors, n_keys),
                    Accum::Replace,
                    by_output,
                    v.transpose(),
                    1.0,
                );
                let rows: Vec<(f32, f32)> = (query..query + length)
                    .map(|row| row * self.n_heads + head)
                    .map(|place| (output.ln_sums[place], output.shares[place]))
                    .collect();
                pulp::Arch::new().dispatch(Soften {
                    weights,
                    errors,
                    rows: &rows,
                    n_keys,
                    scale: self.scale(),
                });
                let weights = MatRef::from_row_major_slice(weights, length, n_keys);
                let errors = MatRef::from_row_major_slice(errors, length, n_keys);
                let [by_query, by_key, by_value] =
                    found.blocks(query, length, key - keys.start, n_keys);
                multiply(by_value, Accum::Add, weights.transpose(), by_output, 1.0);
                multiply(by_query, Accum::Add, errors, k, 1.0);
                multiply(by_key, Accum::Add, errors.transpose(), q, 1.0);
            }
        }
        found
    }

    /// Some rows of one head's columns.
    fn block<'b>(
        &self,
        of: &'b [f32],
        head: usize,
        first: usize,
        n_rows: usize,
    ) -> MatRef<'b, f32> {
        let rows = &of[first * self.wide..][..n_rows * self.wide];
        MatRef::from_row_major_slice(rows, n_rows, self.wide)
            .subcols(head * self.width(), self.width())
    }
}

/// The first `length` numbers of a buffer that grows as needed.
fn sized(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

fn multiply(
    out: MatMut<'_, f32>,
    accum: Accum,
    left: MatRef<'_, f32>,
    right: MatRef<'_, f32>,
    factor: f32,
) {
    matmul(out, accum, left, right, factor, Par::Seq);
}
