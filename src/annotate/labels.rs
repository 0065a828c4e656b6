//! The labels that a model gives: what they are called, and where cells get them from.

use super::{AnnotateError, UNASSIGNED, names::names_of_clusters};
use crate::{
    config::{AnnotateConfig, LabelBy},
    model_file::{TrainedModel, TypeClassifier},
};

/// The labels of a model.
#[derive(Debug)]
pub(super) struct KnownLabels {
    /// What they are called; the last one is [`UNASSIGNED`].
    pub names: Vec<String>,
    /// The label of every reference cell, a position in `names`; `None` for one that has none.
    pub of_reference: Vec<Option<usize>>,
    /// What gives cells their labels, by position, where these are types; clusters are voted for by reference cells.
    pub types: Option<TypeClassifier>,
}

impl KnownLabels {
    /// Those that are asked for.
    ///
    /// # Errors
    /// Where the model has none of that kind, or the table of names cannot be used.
    pub(super) fn of(config: &AnnotateConfig, model: &TrainedModel) -> Result<Self, AnnotateError> {
        let mut labels = match config.label_by {
            LabelBy::CellType => Self::types(config, model)?,
            LabelBy::Cluster => Self::clusters(config, model)?,
        };
        labels.leave_out_unassigned();
        if labels.names.is_empty() {
            return Err(AnnotateError::NoLabels {
                model: config.model.clone(),
            });
        }
        labels.names.push(UNASSIGNED.to_owned());
        Ok(labels)
    }

    fn types(config: &AnnotateConfig, model: &TrainedModel) -> Result<Self, AnnotateError> {
        let reference = &model.reference;
        if reference.celltypes.is_empty() {
            return Err(AnnotateError::NoCellTypes {
                model: config.model.clone(),
            });
        }
        let known = |&code: &usize| (code < reference.celltypes.len()).then_some(code);
        Ok(Self {
            names: reference.celltypes.clone(),
            of_reference: reference.celltype_of_cell.iter().map(known).collect(),
            types: model.types.clone(),
        })
    }

    /// Clusters of one name are one label.
    fn clusters(config: &AnnotateConfig, model: &TrainedModel) -> Result<Self, AnnotateError> {
        let reference = &model.reference;
        let mut names: Vec<String> = Vec::new();
        let mut label_of = Vec::new();
        for name in names_of_clusters(config.names.as_deref(), reference.sizes.len())? {
            let known = names.iter().position(|other| *other == name);
            label_of.push(known.unwrap_or(names.len()));
            if known.is_none() {
                names.push(name);
            }
        }
        let clusters = reference.clusters.iter();
        Ok(Self {
            names,
            of_reference: clusters.map(|&cluster| Some(label_of[cluster])).collect(),
            types: None,
        })
    }

    /// Takes the label of cells that nobody could place away, where the reference has such: they place no others.
    fn leave_out_unassigned(&mut self) {
        let Some(nowhere) = self.names.iter().position(|name| name == UNASSIGNED) else {
            return;
        };
        self.names.remove(nowhere);
        self.types = self.types.as_ref().map(|types| types.without(nowhere));
        for label in &mut self.of_reference {
            *label = match *label {
                Some(code) if code == nowhere => None,
                Some(code) if code > nowhere => Some(code - 1),
                other => other,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn cells_that_nobody_could_place_lend_no_label() {
        let mut labels = KnownLabels {
            names: ["B", UNASSIGNED, "T"].map(str::to_owned).to_vec(),
            of_reference: vec![Some(0), Some(1), Some(2), Some(1), None],
            types: Some(TypeClassifier {
                weights: array![[1.0, 9.0, 0.0], [0.0, 9.0, 1.0]],
            }),
        };
        for _ in 0..2 {
            labels.leave_out_unassigned();
            assert_eq!(labels.names, ["B", "T"]);
            assert_eq!(labels.of_reference, [Some(0), None, Some(1), None, None]);
            let types = labels.types.as_ref().expect("types");
            let likeliest = types.likeliest(&array![[1.0, 0.0], [0.0, 1.0]]);
            assert_eq!(
                likeliest.iter().map(|vote| vote.label).collect::<Vec<_>>(),
                [0, 1]
            );
            // The two types are told apart as before: by a difference of 1 of their logits.
            let expected = 1.0 / (1.0 + (-1.0_f32).exp());
            assert!(
                likeliest
                    .iter()
                    .all(|vote| (vote.confidence - expected).abs() < 1e-6)
            );
        }
    }
}
