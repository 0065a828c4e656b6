//! What a run hands on to label new cells with.

use anyhow::Context;
use ndarray::Axis;
use serde_json::Value;

use super::Seen;
use crate::{
    annotate::{JudgedCells, KnownCells, judged_cells, kept_cells, reference_cells, type_features},
    config::RunConfig,
    graph::Projection,
    grouping::sizes,
    libtorch,
    model::autoencoder::Autoencoder,
    model_file::{
        Genes, KnownDeviations, KnownExpression, KnownNovelty, LandmarkCells, ReferenceCells,
        TrainedModel, TypeClassifier,
    },
    partition::by_first,
    write::{Findings, newick},
};

/// Fewest cells of a fine cluster that cells are judged by, and most of these clusters.
const LEAST_OF_FINE: usize = 50;
const MOST_FINE: usize = 100;

/// A network, and the cells that it embeds others against.
pub(super) struct Network {
    pub weights: Autoencoder,
    pub landmarks: LandmarkCells,
    pub projection: Projection,
}

/// The model of a run that found these clusters.
pub(super) fn trained_model(
    found: &Findings<'_>,
    network: Network,
    seen: Option<&Seen>,
) -> anyhow::Result<TrainedModel> {
    let config = found.config;
    let batches = found.prepared.batches.as_ref();
    let genes = Genes::of(&found.input.data, found.prepared);
    let mut n_before = 0;
    let in_model = found.prepared.detected_in.iter().map(|&n_cells| {
        n_before += u32::from(n_cells > 0);
        (n_cells > 0).then(|| n_before - 1)
    });
    let known = KnownCells {
        cells: &found.prepared.cells,
        labels: &found.labels,
        totals: &found.prepared.totals,
        in_model: &in_model.collect::<Vec<_>>(),
    };
    let counts = &*found.input.data.counts;
    let kept = kept_cells(&found.labels, config.seed);
    let reference = reference_cells(&found.z, &found.labels, found.truth.as_ref(), &kept);
    let places = judged_cells(kept.len(), config.seed);
    let judged: Vec<usize> = places.iter().map(|&place| kept[place]).collect();
    let finer = finer_clusters(found);
    let (deviations, deviation) =
        KnownDeviations::learn(found.prepared, &finer, &judged, config.seed)?;
    let (expression, surprise) = KnownExpression::learn(counts, &known, genes.len(), config.seed)?;
    let has_types = !reference.celltypes.is_empty();
    let types = has_types.then(|| type_classifier(found, seen, &kept, &reference));
    let novelty = KnownNovelty::learn(&JudgedCells {
        reference: &reference,
        places: &places,
        surprise: judged.iter().map(|&cell| surprise[cell]).collect(),
        deviation,
    });
    Ok(TrainedModel {
        expression,
        novelty,
        about: about(config),
        network: network.weights,
        shape: config.model,
        graph: config.graph,
        projection: network.projection,
        genes,
        views: seen.map(|seen| seen.scores.views.clone()),
        batches: seen
            .and(batches)
            .map(|batches| batches.names.clone())
            .unwrap_or_default(),
        landmarks: network.landmarks,
        reference,
        types: types.transpose()?,
        deviations,
        tree: newick(found),
    })
}

/// What tells the types of the reference cells apart, which are `kept` of the prepared cells.
fn type_classifier(
    found: &Findings<'_>,
    seen: Option<&Seen>,
    kept: &[usize],
    reference: &ReferenceCells,
) -> anyhow::Result<TypeClassifier> {
    let n_types = reference.celltypes.len();
    let of_place = |place| (reference.celltype_of_cell[place], kept[place]);
    let all = (0..kept.len()).map(|place| (place, of_place(place)));
    let known = all.filter(|(_, (code, _))| *code < n_types);
    let (places, (types, cells)): (Vec<_>, (Vec<_>, Vec<_>)) = known.unzip();
    let views = seen.map(|seen| seen.scores.views.scores(&found.prepared.select(&cells)).0);
    let z = reference.embedding.select(Axis(0), &places);
    let features = type_features(&views.unwrap_or_default(), z.view());
    let learnt = TypeClassifier::learn(&features, &types, n_types);
    learnt.context("the cell types cannot be learnt")
}

/// The clusters that cells are judged by: the finest ones with any support, of 50 cells and one in a hundred of all cells or more;
/// of the other cells the clusters of the run.
fn finer_clusters(found: &Findings<'_>) -> Vec<usize> {
    let Some(types) = &found.types else {
        return found.labels.clone();
    };
    let sizes = sizes(&types.fine);
    let least = LEAST_OF_FINE.max(types.fine.len() / MOST_FINE);
    let cluster =
        |(&fine, &label): (&usize, &usize)| (label, (sizes[fine] >= least).then_some(fine));
    let clusters = types.fine.iter().zip(&found.labels).map(cluster);
    by_first(&clusters.collect::<Vec<_>>())
}

/// The parameters of the run and the versions of the programs, as texts.
fn about(config: &RunConfig) -> Vec<(String, String)> {
    let mut texts = vec![("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let libtorch = libtorch::loaded_from().and_then(|folder| libtorch::version(&folder));
    texts.extend(libtorch.map(|version| ("libtorch".to_owned(), version)));
    if let Ok(Value::Object(parameters)) = serde_json::to_value(config) {
        texts.extend(parameters.into_iter().map(|(name, value)| match value {
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        }));
    }
    texts
}
