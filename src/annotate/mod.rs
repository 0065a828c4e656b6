//! Labels of new cells from a trained model.
//!
//! ```text
//! model file ──► genes matched ──► blocks of cells: prepared, ──► clusters: vote of the nearest ──► labels, confidence,
//! new counts                       seen, embedded as in the run   reference cells; types:       distance, outputs
//!                                                                 logistic regression
//! ```
//!
//! A new cell attends to, and has graph weights to, the model's landmarks only: its embedding and its nearest label depend on the
//! cell and the model, not on the cells beside it. Whether it is of an unknown type is judged with the new cells around it.

mod cell_types;
mod depth;
mod deviation;
mod error;
mod facts;
mod genes;
mod labels;
mod names;
mod new_cells;
mod novelty;
mod outputs;
mod reference;
mod results;
mod surprise;
mod together;
mod vote;

use anyhow::Context;

pub use self::error::AnnotateError;
pub(crate) use self::{
    cell_types::type_features,
    novelty::JudgedCells,
    reference::{judged_cells, kept_cells, reference_cells},
    surprise::KnownCells,
};
use self::{
    genes::GeneMatch,
    labels::KnownLabels,
    new_cells::{Annotator, Labelled},
    outputs::{check_outputs, write_outputs},
    results::results,
};
use crate::{
    config::AnnotateConfig,
    counts::CountSource,
    interrupt::wait_if_stopped,
    memory::StageLog,
    metrics::{Scores, Truth, TypeF1},
    model_file::TrainedModel,
    preprocess::{Batches, control},
    progress::Progress,
    read::{Input, Inputs, NamedInputs, crossed_labels, note_on_labels, read},
    threads,
};

/// What a cell is called that is far from all that the model knows.
pub const UNASSIGNED: &str = "unassigned";

/// What was found of one data set.
#[derive(Debug)]
pub(crate) struct Annotated<'a> {
    /// What was asked for.
    pub config: &'a AnnotateConfig,
    /// The data set.
    pub data_set: &'a NamedInputs,
    /// What was read.
    pub input: &'a Input,
    /// Which of the model's genes it has.
    pub genes: &'a GeneMatch,
    /// Its cells.
    pub cells: Labelled,
    /// The label of each of these, a position in `names`.
    pub labels: Vec<usize>,
    /// What labels are called; the last one is [`UNASSIGNED`].
    pub names: &'a [String],
    /// True types, where known.
    pub truth: Option<Truth>,
    /// Scores of the labels.
    pub scores: Scores,
    /// F1 of the true types, where they are known.
    pub f1: Option<TypeF1>,
}

/// What came of the data sets, in their order.
#[derive(Debug, Default)]
pub struct Outcome {
    /// A line on each that was labelled.
    pub lines: Vec<String>,
    /// Why each of the others could not be; no output of these is half written.
    pub failures: Vec<anyhow::Error>,
}

/// Labels new cells and writes them. A data set that cannot be labelled does not stop the others.
///
/// # Errors
///
/// What went wrong before any data set was looked at, in words for the user.
pub fn run(config: &AnnotateConfig, progress: &Progress) -> anyhow::Result<Outcome> {
    let (n_threads, note) = threads::within_cores(config.threads);
    if let Some(note) = note {
        progress.note(&note);
    }
    threads::use_at_most(n_threads);
    for data_set in &config.data_sets {
        check_outputs(config, data_set)?;
    }
    progress.stage(&format!("Reading the model {}", config.model.display()));
    let model = TrainedModel::load(&config.model).map_err(AnnotateError::from)?;
    let KnownLabels {
        names,
        of_reference,
        types,
    } = KnownLabels::of(config, &model)?;
    let annotator = Annotator::new(&model, of_reference, types)
        .with_context(|| format!("{}: is damaged", config.model.display()))?;
    progress.finish();
    let mut outcome = Outcome::default();
    for data_set in &config.data_sets {
        let progress = progress.part();
        let stages = Stages {
            config,
            data_set,
            progress: &progress,
            log: StageLog::start(),
        };
        match stages.run(&model, &annotator, &names) {
            Ok(line) => outcome.lines.push(line),
            Err(error) => {
                // What fails because a signal ends the program is no failure of the data set.
                wait_if_stopped();
                outcome.failures.push(error);
            }
        }
    }
    Ok(outcome)
}

/// The stages of one data set.
struct Stages<'a> {
    config: &'a AnnotateConfig,
    data_set: &'a NamedInputs,
    progress: &'a Progress,
    log: StageLog,
}

impl<'s> Stages<'s> {
    fn stage(&mut self, name: &str, what: &str) {
        self.log.begin(name);
        self.progress.stage(what);
    }

    fn inputs(&self) -> &Inputs {
        &self.data_set.inputs
    }

    fn run(
        mut self,
        model: &TrainedModel,
        annotator: &Annotator<'_>,
        names: &[String],
    ) -> anyhow::Result<String> {
        let config = self.config;
        self.stage("read", &format!("Reading {}", self.inputs()));
        let input = read(self.inputs(), &config.read, &config.celltype)?;
        outputs::check_copy(config, self.data_set, &input)?;
        for note in &input.data.notes {
            self.progress.note(note);
        }
        let genes = GeneMatch::find(
            &model.genes,
            &input.data.names_of_genes(),
            &self.inputs().to_string(),
        )?;
        self.say_which_genes_there_are(model, &genes);
        let batches = self.batches(model, &input)?;
        let what = format!("Labelling {} cells", input.n_cells());
        self.stage("label", &what);
        let symbols = input.data.symbols_or_names();
        let passed = control(&*input.data.counts, &config.quality, &symbols, None);
        let passed = passed.with_context(|| self.inputs().to_string())?;
        passed
            .note()
            .iter()
            .for_each(|note| self.progress.note(note));
        let cells = annotator.label(&passed, &genes, batches.as_deref())?;
        if cells.cells.is_empty() {
            let input = self.inputs().to_string();
            let n_cells = passed.n_cells();
            return Err(AnnotateError::NoCounts { input, n_cells }.into());
        }
        let n_dropped = input.n_cells() - passed.left_out().total() - cells.cells.len();
        self.say_what_is_unusual(n_dropped, cells.are_apart);
        self.stage("score", "Scoring");
        let found = self.scored(&input, &genes, cells, names);
        self.log.begin("write");
        let old_labels = annotator.labels_of_reference();
        let begun = write_outputs(&found, (model, old_labels), &self.log, self.progress)?;
        self.log.end();
        let results = results(&found, model, &self.log);
        results.write()?;
        if let Some(note) = begun.note() {
            self.progress.note(&note);
        }
        self.progress.finish();
        Ok(results.line())
    }

    fn say_what_is_unusual(&self, n_dropped: usize, are_apart: bool) {
        if are_apart {
            self.progress.note(
                "the new cells as a whole lie apart from known ones, as those of another laboratory do: a cell is unassigned if it \
                 is stranger than that; if most of the cells may be of unknown types, look at the markers of their labels",
            );
        }
        if n_dropped > 0 {
            self.progress.note(&format!(
                "{n_dropped} cells without counts of the model's genes are left out"
            ));
        }
    }

    fn scored<'a>(
        &self,
        input: &'a Input,
        genes: &'a GeneMatch,
        cells: Labelled,
        names: &'a [String],
    ) -> Annotated<'a>
    where
        's: 'a,
    {
        let unassigned = names.len() - 1;
        let labels: Vec<usize> = cells
            .nearest
            .iter()
            .zip(&cells.distance)
            .map(|(&label, &distance)| {
                let is_known = distance <= 1.0 && label < unassigned;
                if is_known { label } else { unassigned }
            })
            .collect();
        let truth = input.truth.as_ref().map(|labels| {
            for note in note_on_labels(labels, &cells.cells) {
                self.progress.note(&note);
            }
            Truth::of_cells(labels, &cells.cells)
        });
        Annotated {
            config: self.config,
            data_set: self.data_set,
            input,
            genes,
            scores: Scores::of(cells.z.view(), &labels, truth.as_ref()),
            f1: truth
                .as_ref()
                .map(|truth| TypeF1::of(&labels, names, truth)),
            cells,
            labels,
            names,
            truth,
        }
    }

    fn say_which_genes_there_are(&self, model: &TrainedModel, genes: &GeneMatch) {
        let n_missing = model.genes.len() - genes.n_found;
        if n_missing > 0 {
            self.progress.note(&format!(
                "{n_missing} of the model's {} genes are missing, {} of the {} highly variable ones: these are taken to be \
                 as in an average cell",
                model.genes.len(),
                genes.unmeasured.len(),
                model.genes.variable.len()
            ));
        }
    }

    /// The model's batch of every cell of the file, where the model has batches and the cells name theirs.
    fn batches(&self, model: &TrainedModel, input: &Input) -> anyhow::Result<Option<Vec<u32>>> {
        let (columns, n_known) = (&self.config.batch_key, model.batches.len());
        if n_known == 0 {
            for column in columns {
                input.data.obs.labels(column)?;
            }
            if !columns.is_empty() {
                self.progress
                    .note("the model was trained without -batch_key: it changes nothing");
            }
            return Ok(None);
        }
        if columns.is_empty() {
            self.progress.note(&format!(
                "the model brought {n_known} batches together; new cells are taken as none of these, and not corrected: \
                 -batch_key names the column of those that are"
            ));
            return Ok(None);
        }
        let all: Vec<usize> = (0..input.n_cells()).collect();
        let labels = crossed_labels(&input.data, columns, self.inputs(), &all)?;
        let batches = Batches::of(&labels);
        let place = |name: &String| {
            let place = model.batches.iter().position(|known| known == name);
            place.unwrap_or(n_known) as u32
        };
        let in_model: Vec<u32> = batches.names.iter().map(place).collect();
        let unknown = batches.names.iter().zip(&in_model);
        let unknown: Vec<&str> = unknown
            .filter(|(_, place)| **place as usize == n_known)
            .map(|(name, _)| name.as_str())
            .collect();
        if !unknown.is_empty() {
            self.progress.note(&format!(
                "batches that the model does not know are not corrected: {}",
                unknown.join(", ")
            ));
        }
        let of_cell = batches.of_cell.iter();
        Ok(Some(
            of_cell.map(|&batch| in_model[batch as usize]).collect(),
        ))
    }
}
