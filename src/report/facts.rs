//! What was run.

use serde::Serialize;
use tch::Device;

use super::{
    ReportedRun,
    options::{Changed, changed, command},
    text,
};
use crate::{
    grouping::n_groups,
    memory::{StageLog, StageUse},
    progress::brief,
    write::Findings,
};

/// Longest path, in characters.
pub(super) const LONGEST_PATH: usize = 300;

/// The head of the report.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    name: String,
    version: &'static str,
    n_cells: String,
    n_clusters: usize,
    /// Terms with what is to be said of them.
    rows: Vec<(&'static str, String)>,
    changed: Vec<Changed>,
    command: String,
    /// Cells on the map, where not all are.
    n_drawn: Option<String>,
    /// The resolution that clusters were found at, where there is no tree.
    no_tree: Option<String>,
}

impl Facts {
    pub(super) fn of(run: &ReportedRun<'_>, n_drawn: usize) -> Self {
        let found = run.found;
        let n_clusters = n_groups(&found.labels);
        Self {
            name: text::name(&found.config.name),
            version: env!("CARGO_PKG_VERSION"),
            n_cells: text::whole(found.labels.len()),
            n_clusters,
            rows: rows(run),
            changed: changed(found.config),
            command: command(found.config),
            n_drawn: (n_drawn < found.labels.len()).then(|| text::whole(n_drawn)),
            no_tree: found.types.is_none().then(|| why_no_tree(found)),
        }
    }
}

/// Name, time and memory of every stage.
pub(super) fn stages(log: &StageLog) -> Vec<[String; 3]> {
    let stage = |stage: &StageUse| {
        let memory = stage
            .peak_rss_mb
            .map_or("–".to_owned(), |mb| format!("{mb:.0} MiB"));
        [stage.name.clone(), brief(stage.seconds), memory]
    };
    log.stages().iter().map(stage).collect()
}

/// `12 s on CPU with 2 threads, at most 500 MiB of memory`
pub(crate) fn time_and_memory(log: &StageLog, device: &str) -> String {
    let threads = match rayon::current_num_threads() {
        1 => "1 thread".to_owned(),
        n => format!("{n} threads"),
    };
    let memory = log.peak_rss_mb().map_or(String::new(), |mb| {
        format!(", at most {mb:.0} MiB of memory")
    });
    format!(
        "{} on {device} with {threads}{memory}",
        brief(log.seconds())
    )
}

fn why_no_tree(found: &Findings<'_>) -> String {
    if found.config.train.clustering_epoch > 0 {
        "Self-training moved the clusters, so that no tree describes them. Runs with -clustering_epoch 0 and -resolution auto have one.".to_owned()
    } else {
        "The clusters were found at one resolution, without a tree. Runs with -resolution auto have one.".to_owned()
    }
}

fn rows(run: &ReportedRun<'_>) -> Vec<(&'static str, String)> {
    let found = run.found;
    let path = found.config.inputs.to_string();
    let device = match found.device {
        Device::Cuda(index) => format!("GPU {index}"),
        _ => "CPU".to_owned(),
    };
    let mut rows = vec![
        ("Input", text::clipped(&path, LONGEST_PATH)),
        ("Cells", cells(found)),
        ("Genes", genes(found)),
        ("True labels", labels(found)),
        ("Seed", found.config.seed.to_string()),
        ("Time and memory", time_and_memory(run.log, &device)),
        (
            "Version",
            format!("attentionae-sc {}", env!("CARGO_PKG_VERSION")),
        ),
    ];
    if let Some(asw) = found.scores.asw.filter(|asw| asw.is_finite()) {
        let db = found.scores.db.map_or(String::new(), |db| {
            format!(", Davies–Bouldin index {db:.2}")
        });
        rows.insert(
            4,
            (
                "Separation",
                format!("mean silhouette {asw:.2}{db}, in the embedding"),
            ),
        );
    }
    rows
}

fn cells(found: &Findings<'_>) -> String {
    let n = found.prepared.n_cells();
    let mut said = vec![format!("{} were clustered", text::whole(n))];
    let left_out = found.left_out;
    let within = found.config.within.as_ref();
    let within = within.map_or(String::new(), |within| text::name(&within.to_string()));
    let reasons = [
        (left_out.outside, format!("outside of {within}")),
        (left_out.failed, "that failed quality control".to_owned()),
        (
            found.input.n_cells() - left_out.total() - n,
            "without any count".to_owned(),
        ),
    ];
    let reasons = reasons.iter().filter(|(n, _)| *n > 0);
    let reasons: Vec<String> = reasons
        .map(|(n, which)| format!("{} {which}", text::whole(*n)))
        .collect();
    said.push(match &reasons[..] {
        [] => "none was left out".to_owned(),
        reasons => format!("{} were left out", reasons.join(", ")),
    });
    if found.training_cells.len() < n {
        said.push(format!(
            "{} of them trained the network{}",
            text::whole(found.training_cells.len()),
            if found.config.train.clustering_epoch > 0 {
                " and made the clusters, the others were labelled after them"
            } else {
                ""
            }
        ));
    }
    said.join("; ")
}

fn genes(found: &Findings<'_>) -> String {
    let (all, detected) = (found.input.n_genes(), found.prepared.n_detected_genes);
    let mut said = vec![format!("{} in the file", text::whole(all))];
    if detected < all {
        let most = match found.config.quality.min_cells {
            0 | 1 => "no cell".to_owned(),
            least => format!("fewer than {least} cells"),
        };
        said.push(format!(
            "{} in {most} were left out",
            text::whole(all - detected)
        ));
    }
    said.push(format!(
        "the {} most variable ones were used",
        text::whole(found.prepared.n_genes())
    ));
    said.join("; ")
}

fn labels(found: &Findings<'_>) -> String {
    let column = found.config.celltype.column();
    match &found.truth {
        Some(truth) => format!(
            "{} in the column {}, used for the scores only",
            text::whole(truth.names.len()),
            text::name(column)
        ),
        None => "none are known".to_owned(),
    }
}
