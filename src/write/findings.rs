//! What a run found, as its outputs tell it.

use ndarray::Array2;
use tch::Device;

use crate::{
    config::RunConfig,
    markers::Marker,
    metrics::{Apartness, Mixing, Scores, Truth},
    partition::Found,
    preprocess::{LeftOut, Prepared},
    read::Input,
};

/// What a run found, cell by cell in the order of the prepared data.
#[derive(Debug)]
pub struct Findings<'a> {
    /// The run's parameters.
    pub config: &'a RunConfig,
    /// Where the model was trained.
    pub device: Device,
    /// What was read.
    pub input: &'a Input,
    /// What was kept of it.
    pub prepared: &'a Prepared,
    /// Cells of it that the run is not of, and those that failed quality control.
    pub left_out: LeftOut,
    /// Cells trained on, ascending.
    pub training_cells: &'a [usize],
    /// How far apart the clusters lie.
    pub apartness: Apartness,
    /// How batches mix, where there are any.
    pub mixing: Option<Mixing>,
    /// Share of the true nearest neighbours in the graph that was clustered, measured on some cells; 1 where all are.
    pub neighbors_recall: f64,
    /// Embedding, n × d.
    pub z: Array2<f32>,
    /// Places in the plane, n × 2, where an output shows them.
    pub layout: Option<Array2<f32>>,
    /// Clusters, 0.. by decreasing size.
    pub labels: Vec<usize>,
    /// True labels, where known.
    pub truth: Option<Truth>,
    /// Scores of `labels`.
    pub scores: Scores,
    /// Marker genes of every cluster, where the run asks for them.
    pub markers: Option<Vec<Vec<Marker>>>,
    /// The tree that the clusters were cut from, where they were.
    pub types: Option<Found>,
}

impl Findings<'_> {
    /// The name of a highly variable gene, a column of the prepared counts.
    #[must_use]
    pub fn gene_name(&self, column: usize) -> &str {
        &self.input.data.gene_names[self.prepared.genes[column]]
    }
}
