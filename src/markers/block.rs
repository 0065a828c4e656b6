//! A run of genes with all their values in memory, read from cells stored one by one.

use std::ops::Range;

use rayon::prelude::*;

use super::entry::Entry;
use crate::{
    counts::{CountSource, CountsError, Csr},
    memory,
    preprocess::{
        Prepared, each_chunk,
        normalize::{divisor, remembering_small_counts},
    },
};

/// Fewest and most values in memory at once, a gene's own apart: 256 MiB and 2 GiB of them.
const VALUES: (usize, usize) = (1 << 25, 1 << 28);

/// Passes over the source that are enough: an eighth of its values is in memory at once, within these bounds, unless that is more
/// than an eighth of the memory that is free.
const PASSES: usize = 8;

/// The values above 0 of a run of genes, gene by gene.
pub(super) struct GeneBlock {
    /// Number of values of each gene.
    lengths: Vec<usize>,
    entries: Vec<Entry>,
}

/// Runs that cover all genes, each as long as memory permits. `detected_in` has the cells of every gene.
pub(super) fn blocks(detected_in: &[usize]) -> Vec<Range<usize>> {
    let free = memory::available_mb().unwrap_or(0.0) * f64::from(1 << 20);
    let room = free as usize / 8 / size_of::<Entry>();
    let share = detected_in.iter().sum::<usize>().div_ceil(PASSES);
    blocks_of(detected_in, share.min(room).clamp(VALUES.0, VALUES.1))
}

fn blocks_of(detected_in: &[usize], most: usize) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let (mut start, mut n_values) = (0, 0);
    for (gene, &cells) in detected_in.iter().enumerate() {
        if n_values + cells > most && gene > start {
            blocks.push(start..gene);
            (start, n_values) = (gene, 0);
        }
        n_values += cells;
    }
    if start < detected_in.len() {
        blocks.push(start..detected_in.len());
    }
    blocks
}

impl GeneBlock {
    /// Reads every cell once, and keeps the log-normalised values of `genes`. `groups`: that of each prepared cell.
    pub(super) fn read(
        source: &dyn CountSource,
        prepared: &Prepared,
        groups: &[usize],
        genes: Range<usize>,
    ) -> Result<Self, CountsError> {
        let lengths = prepared.detected_in[genes.clone()].to_vec();
        let mut next = starts(&lengths);
        let mut entries = vec![Entry::default(); lengths.iter().sum()];
        each_chunk(source, |rows, chunk| {
            let before = |row: usize| prepared.cells.partition_point(|&cell| cell < row);
            let cells = before(rows.start)..before(rows.end);
            let values = |cell: usize| {
                let row = prepared.cells[cell] - rows.start;
                cell_values(&chunk, row, prepared.totals[cell], groups[cell], &genes)
            };
            let values: Vec<Vec<(usize, Entry)>> = cells.into_par_iter().map(values).collect();
            for (gene, entry) in values.into_iter().flatten() {
                entries[next[gene]] = entry;
                next[gene] += 1;
            }
        })?;
        Ok(Self { lengths, entries })
    }

    /// The values of each gene, in the genes' order.
    pub(super) fn genes_mut(&mut self) -> impl IndexedParallelIterator<Item = &mut [Entry]> {
        let mut rest = self.entries.as_mut_slice();
        let mut genes = Vec::with_capacity(self.lengths.len());
        for &length in &self.lengths {
            let (gene, others) = rest.split_at_mut(length);
            genes.push(gene);
            rest = others;
        }
        genes.into_par_iter()
    }
}

/// Where each of several runs begins that follow each other.
fn starts(lengths: &[usize]) -> Vec<usize> {
    let mut end = 0;
    let start = |&length| {
        let start = end;
        end += length;
        start
    };
    lengths.iter().map(start).collect()
}

/// The values of one cell, each with its gene's position within `genes`.
fn cell_values(
    chunk: &Csr,
    row: usize,
    total: f32,
    group: usize,
    genes: &Range<usize>,
) -> Vec<(usize, Entry)> {
    let Some(cell) = chunk.outer_view(row) else {
        return Vec::new();
    };
    let before = |limit| {
        cell.indices()
            .partition_point(|&gene| (gene as usize) < limit)
    };
    let stored = before(genes.start)..before(genes.end);
    let divisor = divisor(total);
    let mut value = remembering_small_counts(|count| log_normalized(count, divisor));
    let columns = cell.indices()[stored.clone()].iter();
    columns
        .zip(&cell.data()[stored])
        .map(|(&gene, &count)| (gene as usize - genes.start, Entry::new(value(count), group)))
        .collect()
}

/// ln(1 + count / divisor), rounded alike everywhere: the last bit of a system's own `log1p` differs between
/// systems, and with it which cells tie.
fn log_normalized(count: f32, divisor: f32) -> f32 {
    libm::log1pf(count / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::prepare;

    #[test]
    fn blocks_cover_every_gene_and_keep_to_their_size() {
        assert_eq!(blocks_of(&[3, 2, 6, 0, 9, 1], 6), [0..2, 2..4, 4..5, 5..6]);
        assert_eq!(blocks_of(&[1, 2, 3], 6).len(), 1);
        assert!(blocks_of(&[], 100).is_empty());
    }

    #[test]
    fn genes_hold_the_values_of_the_labelled_cells() {
        // Cell 1 is empty; the others hold 1 3, 0 2 and 4 1 of genes 1 and 2.
        let counts = Csr::new(
            (4, 3),
            vec![0, 2, 2, 3, 5],
            vec![1, 2, 2, 1, 2],
            vec![1., 3., 2., 4., 1.],
        );
        let prepared = prepare(&counts, 3).expect("cells with counts");
        let read = |genes| {
            let block = GeneBlock::read(&counts, &prepared, &[0, 1, 2], genes);
            let mut block = block.expect("in memory");
            let parts = |entry: &Entry| (entry.value().exp_m1().round(), entry.group());
            let genes = block.genes_mut();
            genes
                .map(|gene| gene.iter().map(parts).collect())
                .collect::<Vec<Vec<_>>>()
        };
        let gene_2 = vec![(7500., 0), (10_000., 1), (2000., 2)];
        assert_eq!(read(0..2), [vec![], vec![(2500., 0), (8000., 2)]]);
        assert_eq!(read(2..3), [gene_2]);
    }
}
