//! The stages of a run, in order.

mod batches;
mod clusters;
mod input;
mod marker_genes;
mod model;
mod network;
mod outputs;
mod scores;
mod set_up;
mod training;
mod views;

use self::{
    clusters::Labelled,
    model::{Network, trained_model},
    outputs::write_outputs,
    scores::{Data, Scored},
    views::Seen,
};
use crate::{
    config::RunConfig,
    memory::StageLog,
    metrics::Scores,
    model_file::TrainedModel,
    progress::Progress,
    write::{Findings, split_lines},
};

/// What a run found.
#[derive(Debug)]
pub struct Summary {
    /// Scores of the final labels.
    pub scores: Scores,
}

/// Finds the cell types of a data set, and writes them.
///
/// # Errors
///
/// The first thing that went wrong, in words for the user; no output is half written.
pub fn run(config: &RunConfig, progress: &Progress) -> anyhow::Result<Summary> {
    let mut run = Run::new(config, progress);
    let device = run.set_up()?;
    let input = run.read()?;
    let passed = run.control_quality(&input)?;
    let prepared = run.prepare(&input, &passed)?;
    let cells = run.training_cells(&prepared);
    let mut seen = run.see(&prepared, &cells)?;
    let mut trained = run.train(&prepared, &cells, seen.as_ref(), device)?;
    let Labelled {
        labels,
        types,
        graph,
    } = match trained.labels.take() {
        Some(labels) => Labelled::by_model(labels),
        None => run.label(&prepared, &cells, seen.as_mut(), &trained.z)?,
    };
    let layout = run.lay_out(graph, &trained.z)?;
    let data = Data {
        input: &input,
        prepared: &prepared,
        training_cells: &cells,
        seen: seen.as_ref(),
    };
    let scored = run.score(&data, &trained.z, &labels, types.is_some());
    let markers = run.markers(&passed, &prepared, &labels)?;
    let network = Network {
        weights: trained.model,
        landmarks: trained.landmarks,
        projection: trained.projection,
    };
    let Scored {
        scores,
        truth,
        apartness,
        mixing,
    } = scored;
    let findings = Findings {
        config,
        device,
        scores,
        markers,
        types,
        input: &input,
        prepared: &prepared,
        left_out: passed.left_out(),
        training_cells: &cells,
        apartness,
        mixing,
        neighbors_recall: run.neighbors_recall,
        z: trained.z,
        layout,
        labels,
        truth,
    };
    let model = run.model(&findings, network, seen.as_ref())?;
    run.write(&findings, model)?;
    Ok(Summary {
        scores: findings.scores,
    })
}

/// What every stage of one run shares.
struct Run<'a> {
    config: &'a RunConfig,
    progress: &'a Progress,
    log: StageLog,
    /// Share of the nearest neighbours that the graph which was clustered holds.
    neighbors_recall: f64,
}

impl<'a> Run<'a> {
    fn new(config: &'a RunConfig, progress: &'a Progress) -> Self {
        Self {
            config,
            progress,
            log: StageLog::start(),
            neighbors_recall: 1.0,
        }
    }

    fn stage(&mut self, name: &str, what: &str) {
        self.log.begin(name);
        self.progress.stage(what);
    }

    /// The trained model, where it is to be saved.
    fn model(
        &self,
        found: &Findings<'_>,
        network: Network,
        seen: Option<&Seen>,
    ) -> anyhow::Result<Option<TrainedModel>> {
        let is_saved = self.config.save.model_para;
        is_saved
            .then(|| trained_model(found, network, seen))
            .transpose()
    }

    /// Writes all that was found.
    fn write(
        mut self,
        found: &Findings<'_>,
        mut model: Option<TrainedModel>,
    ) -> anyhow::Result<()> {
        self.say_what_the_tree_is(found);
        let folder = self.config.output_dir.display();
        self.stage("write", &format!("Writing to {folder}"));
        write_outputs(found, model.as_mut(), self.log, self.progress)?;
        self.progress.finish();
        Ok(())
    }

    fn say_what_the_tree_is(&self, found: &Findings) {
        let Some(types) = &found.types else { return };
        let splits = split_lines(found);
        let clusters = match splits.len() {
            0 => "one cluster".to_owned(),
            n => format!("{} clusters", n + 1),
        };
        let weakest = match splits.last() {
            Some(line) => format!("; the weakest split is {line}"),
            None => String::new(),
        };
        self.progress.note(&format!(
            "the tree of {} fine clusters was cut into {clusters}{weakest}",
            types.tree.n_leaves()
        ));
    }
}
