//! Cells of a model: those that new cells are embedded against, and those that give them labels.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use tch::Device;

use super::{
    Contents, ModelFileError, TensorFile,
    views::{put_matrix, take_matrix},
};
use crate::{
    kernels::tensor::{from_array, to_array},
    model::landmarks::LandmarkStates,
};

/// The cells that every cell is embedded against.
#[derive(Debug)]
pub struct LandmarkCells {
    /// What their cell graph is built from: cells × features.
    pub features: Array2<f32>,
    /// The network's layers where other cells gather from them.
    pub states: LandmarkStates,
}

/// Labelled cells of the training data.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceCells {
    /// Their embedding, cells × d.
    pub embedding: Array2<f32>,
    /// Their clusters.
    pub clusters: Vec<usize>,
    /// Number of cells of every cluster in the training data, of which these may be a sample.
    pub sizes: Vec<usize>,
    /// Mean embedding of every cluster, clusters × d.
    pub centers: Array2<f32>,
    /// Names of the cell types that the training data held, none where they were not known.
    pub celltypes: Vec<String>,
    /// The cells' types, a position in `celltypes`; its end for a cell without one.
    pub celltype_of_cell: Vec<usize>,
}

/// A cluster as it is listed.
#[derive(Serialize, Deserialize)]
struct ClusterEntry {
    name: String,
    cells: usize,
}

impl LandmarkCells {
    pub(super) fn put(&self, file: &mut Contents) {
        put_matrix(file, "annotate.landmarks.features", &self.features);
        for (name, tensor) in self.named() {
            put_matrix(file, name, &to_array(tensor));
        }
    }

    fn named(&self) -> [(&'static str, &tch::Tensor); 4] {
        let LandmarkStates {
            message_1,
            message_2,
            hidden,
            start,
        } = &self.states;
        [
            ("annotate.landmarks.message_1", message_1),
            ("annotate.landmarks.message_2", message_2),
            ("annotate.landmarks.hidden", hidden),
            ("annotate.landmarks.embedding", start),
        ]
    }

    /// The landmarks of a network whose layers have these widths: the second, and the embedding.
    pub(super) fn take(
        file: &TensorFile,
        (width, n_z): (usize, usize),
    ) -> Result<Self, ModelFileError> {
        let features = take_matrix(file, "annotate.landmarks.features")?;
        let state = |name: &str, width: usize| {
            let name = format!("annotate.landmarks.{name}");
            let state = take_matrix(file, &name)?;
            file.check(&name, state.dim() == (features.nrows(), width))?;
            Ok::<_, ModelFileError>(from_array(state.view(), Device::Cpu))
        };
        Ok(Self {
            states: LandmarkStates {
                message_1: state("message_1", width)?,
                message_2: state("message_2", n_z)?,
                hidden: state("hidden", width)?,
                start: state("embedding", n_z)?,
            },
            features,
        })
    }
}

impl ReferenceCells {
    pub(super) fn put(&self, file: &mut Contents) {
        put_matrix(file, "annotate.reference.embedding", &self.embedding);
        file.positions("annotate.reference.cluster", self.clusters.iter().copied());
        file.positions(
            "annotate.reference.celltype",
            self.celltype_of_cell.iter().copied(),
        );
        put_matrix(file, "annotate.clusters.centers", &self.centers);
        let entry = |(name, &cells): (usize, &usize)| ClusterEntry {
            name: name.to_string(),
            cells,
        };
        let clusters: Vec<ClusterEntry> = self.sizes.iter().enumerate().map(entry).collect();
        file.json("clusters", &clusters);
        file.json("celltypes", &self.celltypes);
    }

    /// The reference cells of a model with an embedding of this width.
    pub(super) fn take(file: &TensorFile, n_z: usize) -> Result<Self, ModelFileError> {
        let embedding = take_matrix(file, "annotate.reference.embedding")?;
        let entries: Vec<ClusterEntry> = file.json("clusters")?;
        let celltypes: Vec<String> = file.json("celltypes")?;
        let n_cells = embedding.nrows();
        file.check(
            "annotate.reference.embedding",
            embedding.ncols() == n_z && n_cells > 0,
        )?;
        let clusters = file.positions("annotate.reference.cluster", entries.len())?;
        let of_cell = file.positions("annotate.reference.celltype", celltypes.len() + 1)?;
        let are_complete = [clusters.len(), of_cell.len()] == [n_cells; 2];
        file.check("annotate.reference.cluster", are_complete)?;
        let centers = take_matrix(file, "annotate.clusters.centers")?;
        file.check(
            "annotate.clusters.centers",
            centers.dim() == (entries.len(), n_z),
        )?;
        Ok(Self {
            embedding,
            clusters,
            sizes: entries.iter().map(|entry| entry.cells).collect(),
            centers,
            celltypes,
            celltype_of_cell: of_cell,
        })
    }
}
