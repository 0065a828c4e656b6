//! The network of a run: what it learns from, and every cell as it sees it.

use anyhow::Context;
use ndarray::{Array2, Axis};
use tch::{Device, Tensor};

use super::{
    Run,
    clusters::check_finite,
    training::{Training, TrainingData},
    views::Seen,
};
use crate::{
    graph::{CellGraph, Projection, Representation, SubsetGraphs},
    model::{
        autoencoder::Autoencoder,
        embedding::{Reference, embed_cells, inputs},
        graph_conv::GraphOperator,
    },
    model_file::LandmarkCells,
    out_of_memory::check_room,
    preprocess::{
        N_COMPONENTS, Prepared, PreprocessError, Transformation, sample_cells, scores_together,
    },
    seed::Stream,
    train::labels::label_cells,
};

/// A model, and every cell as it sees it.
pub(super) struct Trained {
    pub model: Autoencoder,
    /// The cells that every cell is embedded against, and what their cell graph is built from.
    pub landmarks: LandmarkCells,
    pub projection: Projection,
    /// Embedding of all cells, n × d.
    pub z: Array2<f32>,
    /// Clusters of all cells, 0.. by decreasing size, where the model learnt them.
    pub labels: Option<Vec<usize>>,
}

impl Run<'_> {
    /// Trains on the training cells (positions in `prepared`), and embeds every cell.
    pub(super) fn train(
        &mut self,
        prepared: &Prepared,
        cells: &[usize],
        seen: Option<&Seen>,
        device: Device,
    ) -> anyhow::Result<Trained> {
        let landmarks = self.landmarks(cells);
        check_room(&self.config.graph, landmarks.len())?;
        self.stage("graph", &format!("Cell graph of {} cells", landmarks.len()));
        let representation = self.representation(prepared, cells, seen, landmarks.len())?;
        let graph = self.cell_graph(&representation.of(prepared, &landmarks))?;
        let config = &self.config.graph;
        let graphs = self.config.train.batch_size.map(|_| {
            SubsetGraphs::new(config, &graph, &landmarks, cells, prepared, &representation)
        });
        let operator = GraphOperator::of(&graph, device);
        let residual = seen.filter(|_| self.config.model.parts.residual);
        let base = residual.map(|seen| seen.scores.shared.select(Axis(0), &landmarks));
        let reference = Reference {
            cells: &landmarks,
            inputs: &inputs(prepared, base.as_ref(), &landmarks, device),
            operator: &operator.aggregating(config.aggregation, landmarks.len(), device),
            graph: &graph,
            representation: &representation,
            base: residual.map(|seen| &seen.scores.shared),
        };

        let data = TrainingData {
            prepared,
            cells,
            seen,
            reference: &reference,
            graphs: graphs.as_ref(),
        };
        let mut training = self.pretrain(&data)?;
        let centers = self.refine(&mut training, &data)?;
        let model = training.into_model();
        self.stage("embed", &format!("Embedding {} cells", prepared.n_cells()));
        let all: Vec<usize> = (0..prepared.n_cells()).collect();
        let (z, embedded) = embed_cells(&model, prepared, &reference, &all);
        check_finite(&z, "training")?;
        Ok(Trained {
            labels: centers.map(|centers| label_cells(z.view(), &centers)),
            landmarks: LandmarkCells {
                features: representation.of(prepared, &landmarks),
                states: embedded.states,
            },
            projection: representation.projection(),
            model,
            z,
        })
    }

    /// The clusters of the training cells refined by self-training, where that is asked for: their centres, k × d.
    fn refine(
        &mut self,
        training: &mut Training<'_>,
        data: &TrainingData<'_>,
    ) -> anyhow::Result<Option<Tensor>> {
        if self.config.train.clustering_epoch == 0 {
            return Ok(None);
        }
        let (z, _) = embed_cells(&training.model, data.prepared, data.reference, data.cells);
        check_finite(&z, "pretraining")?;
        self.say_what_is_clustered();
        let expression = data
            .seen
            .filter(|_| self.config.leiden_graph.holds_expression())
            .map(|seen| seen.joint.clone());
        let expression = expression.unwrap_or_default();
        let clusters = self.clusters(data.prepared, data.cells, expression, &z)?;
        self.self_train(training, &clusters, &z).map(Some)
    }

    /// The graph of cells that have these features, cells × features.
    fn cell_graph(&self, features: &Array2<f32>) -> anyhow::Result<CellGraph> {
        let graph = CellGraph::build(features.view(), &self.config.graph);
        let graph = graph.with_context(|| self.config.inputs.to_string())?;
        self.say_if_disconnected(&graph);
        Ok(graph)
    }

    /// The cells that any cell is embedded against, of the training cells (positions in `prepared`, ascending): all of these,
    /// or some of them where they are learnt from in mini-batches.
    fn landmarks(&self, cells: &[usize]) -> Vec<usize> {
        let most = match self.config.train.batch_size {
            Some(_) => self.config.landmarks,
            None => cells.len(),
        };
        let places = sample_cells(cells.len(), most, self.config.seed, Stream::Landmarks);
        places.into_iter().map(|place| cells[place]).collect()
    }

    /// What cell graphs of `n_cells` of the training cells (positions in `prepared`) are built from: in batches, of
    /// components in which these are brought together.
    fn representation(
        &self,
        prepared: &Prepared,
        cells: &[usize],
        seen: Option<&Seen>,
        n_cells: usize,
    ) -> Result<Representation, PreprocessError> {
        match (seen, self.config.n_pcs) {
            (Some(seen), Some(N_COMPONENTS)) => Ok(Representation::Components(
                seen.scores.each[Transformation::LogNormalized as usize].clone(),
                Projection::View,
            )),
            (Some(_), Some(n_pcs)) if prepared.batches.is_some() => {
                let seed = self.config.seed;
                let (scores, components) = scores_together(prepared, cells, n_pcs, seed)?;
                let projection = Projection::Components(components);
                Ok(Representation::Components(scores.into_shared(), projection))
            }
            (_, n_pcs) => Representation::choose(prepared, n_cells, n_pcs),
        }
    }

    fn say_if_disconnected(&self, graph: &CellGraph) {
        let sizes = graph.components();
        if sizes.len() > 1 {
            let largest: Vec<String> = sizes.iter().take(8).map(ToString::to_string).collect();
            let more = if sizes.len() > largest.len() {
                ", …"
            } else {
                ""
            };
            self.progress.note(&format!(
                "the cell graph falls into {} parts of {}{more} cells; a higher -n_neighbors joins them",
                sizes.len(),
                largest.join(", "),
            ));
        }
    }
}
