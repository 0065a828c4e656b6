//! Batches of cells: which there are, whether clusters follow them, and how well they mix.

use anyhow::bail;
use ndarray::{Array2, Axis};

use super::{Run, scores::Data, views::Seen};
use crate::{
    graph::nearest,
    metrics::{LISI_NEIGHBORS, Mixing, Truth, adjusted_mutual_info, median_lisi},
    preprocess::{Batches, Passed, Prepared, sample_cells},
    read::{Input, crossed_labels},
    seed::Stream,
    unit::unit_rows,
};

/// Fewest cells of a batch, on average: a column of more values holds no samples.
const CELLS_PER_BATCH: usize = 10;

/// Words in the names of columns that hold samples.
const SAMPLE_WORDS: [&str; 16] = [
    "batch",
    "sample",
    "donor",
    "patient",
    "subject",
    "individual",
    "plate",
    "lane",
    "library",
    "replicate",
    "mouse",
    "animal",
    "channel",
    "dataset",
    "orig.ident",
    "experiment",
];

/// Most samples that a column is looked at for.
const MOST_SAMPLES: usize = 200;

/// Adjusted mutual information of clusters and samples from which on the user is told.
const FOLLOWS: f64 = 0.1;

/// Most cells that mixing is measured among, and from which.
const MOST_AMONG: usize = 20_000;
const MOST_FROM: usize = 2_000;

impl Run<'_> {
    /// The batch of every cell of the file, where `-batch_key` names columns. Batches are those of the cells that passed.
    pub(super) fn batches(
        &self,
        input: &Input,
        passed: &Passed<'_>,
    ) -> anyhow::Result<Option<Batches>> {
        let columns = &self.config.batch_key;
        if columns.is_empty() {
            return Ok(None);
        }
        let cells: Vec<usize> = (0..input.n_cells())
            .filter(|&cell| passed.holds(cell))
            .collect();
        let crossed = crossed_labels(&input.data, columns, &self.config.inputs, &cells)?;
        let batches = Batches::of(&crossed);
        let n_batches = batches.n_batches();
        if n_batches > 1 && n_batches * CELLS_PER_BATCH > cells.len() {
            bail!(
                "{}: -batch_key {}: {n_batches} different values for {} cells; name a column of samples, each with \
                 {CELLS_PER_BATCH} cells or more",
                self.config.inputs,
                columns.join(","),
                cells.len()
            );
        }
        if n_batches == 1 {
            self.progress.note(&format!(
                "all cells are in one batch, {}: -batch_key changes nothing",
                batches.names[0]
            ));
            return Ok(None);
        }
        let sizes = batches.select(&cells).sizes();
        self.progress.note(&format!(
            "there are {n_batches} batches by {}, of {} to {} cells each",
            columns.join(" and "),
            sizes.iter().min().unwrap_or(&0),
            sizes.iter().max().unwrap_or(&0)
        ));
        Ok(Some(batches))
    }

    /// Tells, in a run that makes no use of the views, that there is nothing to bring batches together in.
    pub(super) fn say_if_batches_stay_apart(&self, prepared: &Prepared) {
        if prepared.batches.is_some() {
            self.progress.note(
                "batches are not brought together, as this run makes no use of the views, which -batch_key corrects: only the \
                 choice of genes, the evidence of a tree and the markers are within batches; -preset recommended uses the views",
            );
        }
    }

    /// Tells where clusters follow a column of samples, unless views were corrected for batches.
    pub(super) fn say_if_clusters_follow_samples(&self, data: &Data<'_>, labels: &[usize]) {
        let has_views = data.seen.is_some();
        if has_views && data.prepared.batches.is_some() {
            return;
        }
        let (input, cells) = (data.input, &data.prepared.cells);
        let followed = input.obs_columns.iter().filter_map(|column| {
            let name = column.to_lowercase();
            if !SAMPLE_WORDS.iter().any(|word| name.contains(word)) {
                return None;
            }
            let samples = Truth::of_cells(&input.data.obs.labels(column).ok()?, cells);
            let n_samples = samples.names.len();
            let is_sample = (2..=MOST_SAMPLES).contains(&n_samples)
                && n_samples * CELLS_PER_BATCH <= cells.len()
                && samples.codes.iter().all(Option::is_some);
            if !is_sample {
                return None;
            }
            let codes: Vec<usize> = samples.codes.into_iter().flatten().collect();
            Some((column, n_samples, adjusted_mutual_info(labels, &codes)))
        });
        if let Some((column, n_samples, information)) = followed
            .max_by(|a, b| a.2.total_cmp(&b.2))
            .filter(|found| found.2 >= FOLLOWS)
        {
            let condition = if has_views {
                ""
            } else {
                " in a run that uses the views, as with -preset recommended"
            };
            self.progress.note(&format!(
                "clusters follow obs['{column}'] ({n_samples} values; adjusted mutual information {information:.2}, 0 by \
                 chance): if these are batches of the same cell types, -batch_key {column} brings them together{condition}"
            ));
        }
    }

    /// How batches mix before and after, where there are any; tells the user. `z`: the embedding of all cells.
    pub(super) fn mixing(
        &self,
        prepared: &Prepared,
        seen: Option<&Seen>,
        z: &Array2<f32>,
        truth: Option<&Truth>,
    ) -> Option<Mixing> {
        let batches = prepared.batches.as_ref()?;
        let before = seen.and_then(|seen| seen.scores.unmixed.as_ref());
        let seed = self.config.seed;
        let among = sample_cells(z.nrows(), MOST_AMONG, seed, Stream::Sample);
        let kinds: Vec<usize> = among
            .iter()
            .map(|&cell| batches.of_cell[cell] as usize)
            .collect();
        let types = truth.map(|truth| -> Vec<usize> {
            // Cells without a label are a kind of their own.
            let code = |&cell: &usize| truth.codes[cell].unwrap_or(truth.names.len());
            among.iter().map(code).collect()
        });
        let from = sample_cells(among.len(), MOST_FROM, seed, Stream::Sample);
        let of = |z: &Array2<f32>| {
            let unit = unit_rows(z.select(Axis(0), &among).view());
            let neighbors = neighbors(&unit, &from);
            let lisi = |kinds: &[usize]| median_lisi(unit.view(), kinds, &from, &neighbors);
            (lisi(&kinds), types.as_deref().and_then(lisi))
        };
        let (ilisi_before, clisi_before) = before.map_or((None, None), of);
        let (ilisi, clisi) = of(z);
        let mixing = Mixing {
            batches: batches.names.clone(),
            ilisi_before,
            ilisi,
            clisi_before,
            clisi,
        };
        self.progress.note(&mixing.note());
        Some(mixing)
    }
}

/// The nearest others of some cells.
fn neighbors(unit: &Array2<f32>, from: &[usize]) -> Vec<Vec<u32>> {
    let queries = unit.select(Axis(0), from);
    let mut found = nearest(unit.view(), queries.view(), LISI_NEIGHBORS + 1);
    for (near, &cell) in found.iter_mut().zip(from) {
        near.retain(|&other| other as usize != cell);
        near.truncate(LISI_NEIGHBORS);
    }
    found
}

impl Mixing {
    /// What the user should know of it.
    fn note(&self) -> String {
        let change = |before: Option<f64>, after: Option<f64>| match (before, after) {
            (Some(before), Some(after)) => format!("{before:.2} before, {after:.2} after"),
            (_, after) => format!("{:.2}", after.unwrap_or(f64::NAN)),
        };
        let types = match self.clisi {
            Some(_) => format!(
                ", and of {} true cell types (cLISI)",
                change(self.clisi_before, self.clisi)
            ),
            None => String::new(),
        };
        format!(
            "around a cell are, of {} batches, effectively {} (iLISI){types}",
            self.batches.len(),
            change(self.ilisi_before, self.ilisi)
        )
    }
}
