//! New cells, read, embedded and labelled a block at a time.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use tch::Device;

use super::{
    AnnotateError, GeneMatch,
    cell_types::type_features,
    novelty::log_distance,
    together::novelty,
    vote::{VOTERS, Vote, vote},
};
use crate::{
    counts::{CountSource, CountsError},
    graph::{CellGraph, Projection, neighbors_of},
    model::{
        embedding::{BLOCK, Embedder, inputs},
        landmarks::Landmarks,
    },
    model_file::{TrainedModel, TypeClassifier},
    packed_counts::PackedCounts,
    preprocess::{Batches, Prepared, Transformation},
};

/// A model that is ready to embed cells.
#[derive(Debug)]
pub struct Annotator<'a> {
    model: &'a TrainedModel,
    landmarks: Landmarks,
    graph: CellGraph,
    /// The label of every reference cell, `None` for one that has none.
    labels: Vec<Option<usize>>,
    /// What gives cells their labels, where these are types; clusters are voted for by reference cells.
    types: Option<TypeClassifier>,
}

/// New cells with their labels, in the order of the file.
#[derive(Debug, Default)]
pub struct Labelled {
    /// Rows of the file that are labelled, ascending: those with counts of the model's genes.
    pub cells: Vec<usize>,
    /// Their total counts, of the model's genes.
    pub totals: Vec<f32>,
    /// Their embedding, cells × d.
    pub z: Array2<f32>,
    /// The label of each: that of most of the nearest reference cells, or the likeliest type.
    pub nearest: Vec<usize>,
    /// How sure that is, from 0 to 1.
    pub confidence: Vec<f32>,
    /// How far they are from all that the model knows, above 1 too far; 0 for one that coincides with a reference cell.
    pub distance: Vec<f32>,
    /// Whether they are apart from known cells as a whole.
    pub are_apart: bool,
}

/// What is found of the cells of a block, each alone.
struct Block<'a> {
    /// Their embedding.
    z: ArrayView2<'a, f32>,
    /// Their surprise and their deviation.
    measures: Vec<(f32, f32)>,
    /// Their likeliest types, where labels are types.
    likeliest: Option<Vec<Vote>>,
}

/// What is found of each new cell alone.
#[derive(Debug, Default)]
struct Judged {
    /// How strange it is.
    scores: Vec<f32>,
    /// Whether it coincides with a reference cell, and is known.
    coincides: Vec<bool>,
}

impl<'a> Annotator<'a> {
    /// Of a model whose reference cells have these labels, which `types` gives to other cells, or else the cells nearest to them.
    ///
    /// # Errors
    /// Where the model's landmarks make no cell graph.
    pub fn new(
        model: &'a TrainedModel,
        labels: Vec<Option<usize>>,
        types: Option<TypeClassifier>,
    ) -> anyhow::Result<Self> {
        let states = model.landmarks.states.handles();
        let landmarks = tch::no_grad(|| model.network.landmarks(states));
        let graph = CellGraph::build(model.landmarks.features.view(), &model.graph)?;
        Ok(Self {
            model,
            landmarks,
            graph,
            labels,
            types,
        })
    }

    /// The label of every reference cell, `None` for one that has none.
    #[must_use]
    pub fn labels_of_reference(&self) -> &[Option<usize>] {
        &self.labels
    }

    /// Labels cells, whose genes and, for each row of the source, batches (a batch that the model does not know has a number
    /// beyond its names) are given.
    ///
    /// O(n) time for n cells. Memory: what is returned, and a block of cells.
    ///
    /// # Errors
    /// Where counts cannot be read.
    pub fn label(
        &self,
        counts: &dyn CountSource,
        genes: &GeneMatch,
        batches: Option<&[u32]>,
    ) -> Result<Labelled, AnnotateError> {
        let mut all = Labelled::default();
        let mut judged = Judged::default();
        let mut embedded = Vec::new();
        let n_cells = counts.n_cells();
        for start in (0..n_cells).step_by(BLOCK) {
            let rows = start..(start + BLOCK).min(n_cells);
            let (block, surprise) = self.prepare(counts, genes, batches, rows)?;
            if block.cells.is_empty() {
                continue;
            }
            let all_of_block: Vec<usize> = (0..block.cells.len()).collect();
            let deviation = self.model.deviations.above(&block, &all_of_block);
            let measures: Vec<(f32, f32)> = surprise.into_iter().zip(deviation).collect();
            let (z, likeliest) = self.embed(&block);
            let z = z.slice_move(s![..block.cells.len(), ..]);
            let found = Block {
                z: z.view(),
                measures,
                likeliest,
            };
            self.add_labels(&found, &mut all, &mut judged);
            all.totals.extend(&block.totals[..block.cells.len()]);
            all.cells.extend(&block.cells);
            embedded.push(z);
        }
        let views: Vec<_> = embedded.iter().map(|z: &Array2<f32>| z.view()).collect();
        if let Ok(z) = concatenate(Axis(0), &views) {
            all.z = z;
        }
        let known = &self.model.novelty;
        let found = novelty(known, all.z.view(), &judged.scores, &judged.coincides);
        all.distance = found.distance;
        all.are_apart = found.are_apart;
        Ok(all)
    }

    /// A run of cells as the training cells were prepared, less those without counts, as a full block: `cells` are those that
    /// count; and how surprising each of these is.
    fn prepare(
        &self,
        counts: &dyn CountSource,
        genes: &GeneMatch,
        batches: Option<&[u32]>,
        rows: Range<usize>,
    ) -> Result<(Prepared, Vec<f32>), CountsError> {
        let first = rows.start;
        let (mut cells, mut totals, mut surprise) = (Vec::new(), Vec::new(), Vec::new());
        let mut of_variable = PackedCounts::new(self.model.genes.variable.len());
        for (row, cell) in counts.rows(rows)?.outer_iterator().enumerate() {
            let mut found: Vec<(usize, f32)> = Vec::new();
            let mut of_model: Vec<(u32, f32)> = Vec::new();
            for (gene, &count) in cell.iter() {
                of_model.extend(genes.in_model[gene].map(|gene| (gene, count)));
                found.extend(genes.in_variable[gene].map(|column| (column as usize, count)));
            }
            let total: f64 = of_model.iter().map(|&(_, count)| f64::from(count)).sum();
            if total <= 0.0 {
                continue;
            }
            let total = total / genes.share;
            surprise.push(self.model.expression.above(&of_model, total));
            found.sort_unstable_by_key(|&(column, _)| column);
            of_variable.push(found);
            cells.push(first + row);
            totals.push(total as f32);
        }
        // Products of matrices round the rows of a block that is not full in another way: it is filled up with cells without
        // counts of variable genes.
        for _ in cells.len()..BLOCK {
            of_variable.push([]);
        }
        totals.resize(BLOCK, 1.0);
        let block = self.full_block(genes, batches, cells, totals, of_variable);
        Ok((block, surprise))
    }

    /// A full block of cells with these total counts and counts of the variable genes; `cells` are those that count.
    fn full_block(
        &self,
        genes: &GeneMatch,
        batches: Option<&[u32]>,
        cells: Vec<usize>,
        totals: Vec<f32>,
        counts: PackedCounts,
    ) -> Prepared {
        let ours = &self.model.genes;
        let mut gene_shares = ours.variable_shares.clone();
        for &gene in &genes.unmeasured {
            gene_shares[gene] = 0.0;
        }
        Prepared {
            genes: ours.variable.clone(),
            detected_in: Vec::new(),
            mean_shares: Vec::new(),
            n_detected_genes: genes.n_found,
            counts,
            size_factors: Vec::new(),
            scaling: ours.scaling.clone(),
            gene_shares,
            batches: batches.map(|of_cell| {
                let of_cell = cells.iter().map(|&cell| of_cell[cell]);
                let fill = std::iter::repeat(self.model.batches.len() as u32);
                Batches {
                    of_cell: of_cell.chain(fill).take(BLOCK).collect(),
                    names: self.model.batches.clone(),
                }
            }),
            judging: None,
            of_views: None,
            unmeasured: genes.unmeasured.clone(),
            cells,
            totals,
        }
    }

    /// The embedding of prepared cells, and their likeliest types where labels are types.
    fn embed(&self, block: &Prepared) -> (Array2<f32>, Option<Vec<Vote>>) {
        let all: Vec<usize> = (0..block.n_cells()).collect();
        let seen = self.model.views.as_ref().map(|views| views.scores(block));
        let features = match (&self.model.projection, &seen) {
            (Projection::Components(components), _) => components.scores(block),
            (Projection::View, Some((each, _))) => {
                each[Transformation::LogNormalized as usize].clone()
            }
            _ => block.lognorm(&all),
        };
        let (views, base) = seen.unzip();
        let embedder = Embedder {
            model: &self.model.network,
            landmarks: &self.landmarks,
            graph: &self.graph,
            aggregation: self.model.graph.aggregation,
        };
        let base = base.filter(|_| self.model.shape.parts.residual);
        let inputs = inputs(block, base.as_ref(), &all, Device::Cpu);
        let z = embedder.embed(features.view(), &inputs);
        let types = self
            .types
            .as_ref()
            .map(|types| types.likeliest(&type_features(&views.unwrap_or_default(), z.view())));
        (z, types)
    }

    /// Adds the labels of embedded cells, and how strange each is.
    fn add_labels(&self, block: &Block<'_>, all: &mut Labelled, judged: &mut Judged) {
        let reference = &self.model.reference;
        let neighbors = neighbors_of(reference.embedding.view(), block.z, VOTERS);
        for (cell, near) in neighbors.iter().enumerate() {
            let coincides = near.first().is_some_and(|near| near.distance <= 0.0);
            judged.coincides.push(coincides);
            let likeliest = block.likeliest.as_ref().map(|likeliest| likeliest[cell]);
            // A cell that the model was trained on keeps its label.
            let mut same = near.iter().take_while(|near| near.distance <= 0.0);
            let keeps = same.any(|near| self.labels[near.cell as usize].is_some());
            let found = likeliest.filter(|_| !keeps);
            let found = found.or_else(|| vote(near, |cell| self.labels[cell]));
            all.nearest
                .push(found.map_or(usize::MAX, |found| found.label));
            all.confidence
                .push(found.map_or(0.0, |found| found.confidence));
            let cluster = vote(near, |cell| Some(reference.clusters[cell]));
            let cluster = cluster.map_or(0, |cluster| cluster.label);
            let (surprise, deviation) = block.measures[cell];
            let measures = [log_distance(near), surprise, deviation];
            let score = self.model.novelty.score(measures, cluster);
            judged.scores.push(score);
        }
    }
}
