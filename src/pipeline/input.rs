//! What a run reads, and what it makes of it before anything is learnt.

use super::Run;
use crate::{
    names::listed_columns,
    preprocess::{
        Passed, Prepared, PreprocessError, control, notes_on_totals, prepare_in_batches,
        sample_cells,
    },
    read::{CellTypes, Input, note_on_labels, read},
    seed::Stream,
    write::{OutputPaths, check_annotatable},
};

/// Bytes for each gene of a training cell: its values in three views, and one copy while components are found.
const BYTES_PER_VALUE: f64 = 16.0;
/// Memory above this is said before it is taken.
const LARGE_GIB: f64 = 2.0;

impl Run<'_> {
    /// The input, and what is to be said of it.
    pub(super) fn read(&mut self) -> anyhow::Result<Input> {
        let config = self.config;
        self.stage("read", &format!("Reading {}", config.inputs));
        let input = read(&config.inputs, &config.read, &config.celltype)?;
        if config.save.h5ad {
            let output = OutputPaths::of(config).h5ad();
            check_annotatable(&output, &config.inputs, &input, config.overwrite)?;
        }
        for note in &input.data.notes {
            self.progress.note(note);
        }
        self.say_if_labels_are_missing(&input);
        Ok(input)
    }

    /// The counts without cells and genes that fail quality control.
    pub(super) fn control_quality<'a>(&mut self, input: &'a Input) -> anyhow::Result<Passed<'a>> {
        self.stage(
            "preprocess",
            &format!(
                "Preparing {} cells, {} genes",
                input.n_cells(),
                input.n_genes()
            ),
        );
        let symbols = input.data.symbols_or_names();
        let within = self.within(input)?;
        let passed = control(&*input.data.counts, &self.config.quality, &symbols, within);
        let passed = passed.map_err(|error| self.in_the_input(error))?;
        passed
            .note()
            .iter()
            .for_each(|note| self.progress.note(note));
        Ok(passed)
    }

    /// Which cells the run is restricted to.
    fn within(&self, input: &Input) -> anyhow::Result<Option<Vec<bool>>> {
        let Some(within) = &self.config.within else {
            return Ok(None);
        };
        let cells = within.cells(&input.data, &self.config.inputs.to_string())?;
        self.progress.note(&format!(
            "{within}: {} of {} cells, everything is computed from them alone",
            cells.iter().filter(|&&inside| inside).count(),
            cells.len()
        ));
        Ok(Some(cells))
    }

    /// What cannot be read says itself in which file.
    fn in_the_input(&self, error: PreprocessError) -> anyhow::Error {
        match error {
            PreprocessError::Read(error) => error.into(),
            error => anyhow::Error::new(error).context(self.config.inputs.to_string()),
        }
    }

    /// The counts prepared, by batches where there are any.
    pub(super) fn prepare(&self, input: &Input, passed: &Passed<'_>) -> anyhow::Result<Prepared> {
        let batches = self.batches(input, passed)?;
        let prepared = prepare_in_batches(
            passed,
            self.config.n_hvg,
            self.config.hvg_flavor,
            batches.as_ref(),
        );
        let n_cells = input.n_cells() - passed.left_out().total();
        let mut prepared = prepared.map_err(|error| {
            self.in_the_input(match error {
                PreprocessError::OneCell { .. } => PreprocessError::OneCell { n_cells },
                PreprocessError::NoCounts { n_genes, .. } => {
                    PreprocessError::NoCounts { n_cells, n_genes }
                }
                error => error,
            })
        })?;
        if let Some(max_value) = self.config.max_value {
            prepared.scaling.max_value = max_value as f32;
        }
        prepared.judge_without_heat_shock(&input.data.names_of_genes());
        self.say_what_was_dropped(input, passed, &prepared);
        Ok(prepared)
    }

    /// The cells to train on, positions in `prepared`, ascending.
    pub(super) fn training_cells(&self, prepared: &Prepared) -> Vec<usize> {
        let (n_cells, most) = (prepared.n_cells(), self.config.max_num_cell);
        let cells = sample_cells(n_cells, most, self.config.seed, Stream::Training);
        if cells.len() < n_cells {
            self.progress.note(&format!(
                "the network is trained on {} of the {n_cells} cells; -max_num_cell sets how many",
                cells.len(),
            ));
        }
        if let Some(note) = note_on_memory(cells.len(), prepared.n_genes()) {
            self.progress.note(&note);
        }
        cells
    }

    fn say_if_labels_are_missing(&self, input: &Input) {
        if input.truth.is_none() && self.config.celltype == CellTypes::Auto {
            let other = match &input.obs_columns[..] {
                [] => String::new(),
                columns => format!(
                    "; -celltype names another column of obs [{}]",
                    listed_columns(columns)
                ),
            };
            self.progress.note(&format!(
                "there is no obs['celltype'], so that ARI and NMI are not computed{other}"
            ));
        }
    }

    fn say_what_was_dropped(&self, input: &Input, passed: &Passed<'_>, prepared: &Prepared) {
        let n_cells = input.n_cells() - passed.left_out().total();
        let dropped = n_cells - prepared.n_cells();
        if dropped > 0 {
            self.progress
                .note(&format!("{dropped} cells without counts are left out"));
        }
        let of_totals = notes_on_totals(&prepared.totals, n_cells);
        let of_labels = input.truth.as_ref();
        let of_labels = of_labels.map(|labels| note_on_labels(labels, &prepared.cells));
        for note in of_totals.iter().chain(of_labels.iter().flatten()) {
            self.progress.note(note);
        }
    }
}

/// What the views of some cells take, where that is much.
fn note_on_memory(n_cells: usize, n_genes: usize) -> Option<String> {
    let gib = BYTES_PER_VALUE * n_cells as f64 * n_genes as f64 / f64::from(1 << 30);
    (gib > LARGE_GIB).then(|| {
        format!("{n_genes} genes of {n_cells} cells take about {gib:.1} GiB of memory; a lower -n_hvg takes less")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_of_where_genes_and_cells_are_many() {
        assert_eq!(note_on_memory(20_000, 2500), None);
        assert_eq!(note_on_memory(6000, 20_000), None);
        assert_eq!(
            note_on_memory(20_000, 20_000).as_deref(),
            Some(
                "20000 genes of 20000 cells take about 6.0 GiB of memory; a lower -n_hvg takes less"
            )
        );
    }
}
