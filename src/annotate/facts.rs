//! What was run, as the report of new cells tells it.

use super::Annotated;
use crate::{
    config::LabelBy,
    memory::StageLog,
    model_file::TrainedModel,
    report::{time_and_memory, whole},
};

/// Terms with what is to be said of them.
pub(super) fn facts(
    found: &Annotated<'_>,
    model: &TrainedModel,
    log: &StageLog,
) -> [(&'static str, String); 8] {
    let version = model.about.iter().find(|(name, _)| name == "version");
    let version = version.map_or("?", |(_, version)| version);
    let of_model = format!(
        "{}, trained by version {version} on {} cells",
        found.config.model.display(),
        whole(model.reference.sizes.iter().sum())
    );
    [
        ("Input", found.data_set.inputs.to_string()),
        ("Model", of_model),
        ("Cells", cells(found)),
        ("Genes", genes(found, model)),
        ("Labels", labels(found)),
        ("True labels", true_labels(found)),
        ("Time and memory", time_and_memory(log, "CPU")),
        (
            "Version",
            format!("attentionae-sc {}", env!("CARGO_PKG_VERSION")),
        ),
    ]
}

fn cells(found: &Annotated<'_>) -> String {
    let n_cells = found.labels.len();
    let labelled = format!("{} were labelled", whole(n_cells));
    match found.input.n_cells() - n_cells {
        0 => format!("{labelled}; none was left out"),
        dropped => format!(
            "{labelled}; {} without counts of the model's genes, or that failed quality control, were left out",
            whole(dropped)
        ),
    }
}

fn genes(found: &Annotated<'_>, model: &TrainedModel) -> String {
    format!(
        "{} of the model's {} are missing, {} of the {} highly variable ones",
        whole(model.genes.len() - found.genes.n_found),
        whole(model.genes.len()),
        whole(found.genes.unmeasured.len()),
        whole(model.genes.variable.len())
    )
}

fn labels(found: &Annotated<'_>) -> String {
    match (found.config.label_by, &found.config.names) {
        (LabelBy::CellType, _) => "the cell types of the training data".to_owned(),
        (LabelBy::Cluster, None) => "the clusters of the training data".to_owned(),
        (LabelBy::Cluster, Some(names)) => format!(
            "the clusters of the training data, under the names in {}",
            names.display()
        ),
    }
}

fn true_labels(found: &Annotated<'_>) -> String {
    match &found.truth {
        Some(truth) => format!(
            "{} in the column {}, used for the scores only",
            whole(truth.names.len()),
            found.config.celltype.column()
        ),
        None => "none are known".to_owned(),
    }
}
