//! Log-normalised expression of a few genes: by cluster of all cells, and in every cell that is drawn.

use serde::Serialize;

use super::{packed, text};
use crate::{
    counts::CountsError,
    counts::Csr,
    grouping::{n_groups, sizes},
    preprocess::{
        each_chunk,
        normalize::{divisor, log_normalized},
    },
    write::Findings,
};

/// Most bytes of the drawn cells' expression.
const MOST_BYTES: usize = 1_600_000;

/// Expression of some genes, by their place among them.
#[derive(Debug)]
pub(super) struct Expression {
    names: Vec<String>,
    /// Clusters × genes: share of cells that detect it.
    pub shares: Vec<Vec<f64>>,
    /// Clusters × genes: mean of ln(1 + counts per 10,000).
    pub means: Vec<Vec<f64>>,
    /// Genes × drawn cells.
    drawn: Vec<Vec<f32>>,
}

/// A gene that cells can be coloured by.
#[derive(Debug, Serialize)]
pub(super) struct PackedGene {
    name: String,
    /// The largest value among the drawn cells.
    most: f32,
    /// Shares of it (see [`packed`]).
    values: String,
}

impl Expression {
    /// Reads all cells once, a thousand at a time.
    pub(super) fn read(
        found: &Findings<'_>,
        genes: &[usize],
        drawn: &[usize],
    ) -> Result<Self, CountsError> {
        let n_clusters = n_groups(&found.labels);
        let name = |&gene: &usize| text::name(&found.input.data.gene_names[gene]);
        let mut expression = Self {
            names: genes.iter().map(name).collect(),
            shares: vec![vec![0.0; genes.len()]; n_clusters],
            means: vec![vec![0.0; genes.len()]; n_clusters],
            drawn: vec![vec![0.0; drawn.len()]; genes.len()],
        };
        if genes.is_empty() {
            return Ok(expression);
        }
        let mut place_of_cell = vec![None; found.prepared.n_cells()];
        for (place, &cell) in drawn.iter().enumerate() {
            place_of_cell[cell] = Some(place);
        }
        let mut place_of_gene = vec![None; found.input.n_genes()];
        for (place, &gene) in genes.iter().enumerate() {
            place_of_gene[gene] = Some(place);
        }
        let mut cell = 0;
        each_chunk(&*found.input.data.counts, |rows, chunk| {
            while let Some(&row) = found
                .prepared
                .cells
                .get(cell)
                .filter(|&&row| row < rows.end)
            {
                for (gene, value) in values(
                    &chunk,
                    row - rows.start,
                    found.prepared.totals[cell],
                    &place_of_gene,
                ) {
                    expression.add(found.labels[cell], gene, value, place_of_cell[cell]);
                }
                cell += 1;
            }
        })?;
        expression.divide(&found.labels);
        Ok(expression)
    }

    fn add(&mut self, cluster: usize, gene: usize, value: f32, place: Option<usize>) {
        self.shares[cluster][gene] += 1.0;
        self.means[cluster][gene] += f64::from(value);
        if let Some(place) = place {
            self.drawn[gene][place] = value;
        }
    }

    /// Turns sums over the cells of every cluster into means.
    fn divide(&mut self, labels: &[usize]) {
        let sizes = sizes(labels);
        for table in [&mut self.shares, &mut self.means] {
            for (row, &size) in table.iter_mut().zip(&sizes) {
                for sum in row {
                    *sum /= size as f64;
                }
            }
        }
    }

    /// The genes' values in the drawn cells, the first genes first, while they fit the page.
    pub(super) fn packed(&self) -> Vec<PackedGene> {
        let mut n_bytes = 0;
        let genes = self.names.iter().zip(&self.drawn).map(|(name, values)| {
            let most = values.iter().copied().fold(0.0, f32::max);
            let shares = values
                .iter()
                .map(|value| value / most.max(f32::MIN_POSITIVE));
            PackedGene {
                name: name.clone(),
                most,
                values: packed::shares(shares),
            }
        });
        let fits = |gene: &PackedGene| {
            n_bytes += gene.values.len();
            n_bytes <= MOST_BYTES
        };
        genes.take_while(fits).collect()
    }
}

/// The values of one cell in the genes that have a place.
fn values<'a>(
    chunk: &'a Csr,
    row: usize,
    total: f32,
    place_of_gene: &'a [Option<usize>],
) -> impl Iterator<Item = (usize, f32)> + 'a {
    let divisor = divisor(total);
    let cell = chunk.outer_view(row).into_iter();
    let stored = cell.flat_map(|cell| {
        cell.iter()
            .map(|(gene, &count)| (gene, count))
            .collect::<Vec<_>>()
    });
    stored.filter_map(move |(gene, count)| {
        Some((place_of_gene[gene]?, log_normalized(count, divisor)))
    })
}
