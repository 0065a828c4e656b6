//! A trained model, written to its file and read from it.

use std::{path::Path, str::FromStr};

use super::{
    Contents, Genes, KnownDeviations, KnownExpression, KnownNovelty, LandmarkCells, ModelFileError,
    ReferenceCells, TensorFile, TypeClassifier,
    network::{put_network, take_network},
    views::{put_projection, put_views, take_projection, take_views},
    write_tensors,
};
use crate::{
    graph::{GraphConfig, Projection},
    model::{ModelConfig, WIDTH_2, autoencoder::Autoencoder},
    preprocess::Views,
    write::WriteError,
};

/// What says that a file is a model of this program, and of which format.
pub(super) const FORMAT: (&str, &str) = ("attentionae_sc_model", "4");

/// All that is needed to label new cells.
#[derive(Debug)]
pub struct TrainedModel {
    /// The parameters of the run and the versions of the programs, as texts by name.
    pub about: Vec<(String, String)>,
    /// The network.
    pub network: Autoencoder,
    /// Its shape.
    pub shape: ModelConfig,
    /// How its cell graph is built.
    pub graph: GraphConfig,
    /// What that is built from.
    pub projection: Projection,
    /// The genes.
    pub genes: Genes,
    /// What known cells express of these.
    pub expression: KnownExpression,
    /// How they deviate from their clusters.
    pub deviations: KnownDeviations,
    /// How far both, and their embedding, set known cells apart from each other.
    pub novelty: KnownNovelty,
    /// How cells are seen, where the run made use of that.
    pub views: Option<Views>,
    /// Names of the batches that were brought together; none where there were none.
    pub batches: Vec<String>,
    /// The cells that new cells are embedded against.
    pub landmarks: LandmarkCells,
    /// The cells that give them labels.
    pub reference: ReferenceCells,
    /// What tells their types apart, where these are known.
    pub types: Option<TypeClassifier>,
    /// The tree of clusters as Newick text, where there is one.
    pub tree: Option<String>,
}

impl TrainedModel {
    /// Writes the model, about 17 MB at the default options.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&mut self, path: &Path) -> Result<(), WriteError> {
        let mut file = Contents::default();
        put_network(&mut self.network, &mut file);
        file.texts.push((FORMAT.0.to_owned(), FORMAT.1.to_owned()));
        file.texts.append(&mut self.about.clone());
        self.genes.put(&mut file);
        self.expression.put(&mut file);
        self.deviations.put(&mut file);
        self.novelty.put(&mut file);
        if let Some(views) = &self.views {
            put_views(views, &mut file);
        }
        file.json("batches", &self.batches);
        put_projection(&self.projection, &mut file);
        self.landmarks.put(&mut file);
        self.reference.put(&mut file);
        if let Some(types) = &self.types {
            types.put(&mut file);
        }
        file.json("tree", &self.tree);
        write_tensors(path, &file)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// Where the file is none, of another format, or damaged.
    pub fn load(path: &Path) -> Result<Self, ModelFileError> {
        let file = TensorFile::read(path)?;
        check_format(&file)?;
        let genes = Genes::take(&file)?;
        let n_genes = genes.variable.len();
        let shape = ModelConfig {
            n_z: parameter(&file, "n_z")?,
            n_heads: parameter(&file, "n_heads")?,
            parts: parameter(&file, "parts")?,
        };
        let reference = ReferenceCells::take(&file, shape.n_z)?;
        let is_possible = (2..=256).contains(&shape.n_z) && (1..=64).contains(&shape.n_heads);
        file.check("n_z", is_possible)?;
        let batches: Vec<String> = file.json("batches")?;
        let views = take_views(&file, n_genes, batches.len())?;
        let projection = take_projection(&file, n_genes)?;
        file.check(
            "graph_features",
            views.is_some() || (projection != Projection::View && !shape.parts.residual),
        )?;
        let n_types = reference.celltypes.len();
        let n_features = views.as_ref().map_or(0, Views::n_components) + shape.n_z;
        let types = (n_types > 0).then(|| TypeClassifier::take(&file, n_features, n_types));
        let names = ["preset", "seed", "libtorch"];
        let about = names
            .iter()
            .filter_map(|&name| Some((name.to_owned(), file.text(name)?.to_owned())));
        let version = file.text("version").unwrap_or_default().to_owned();
        Ok(Self {
            about: [("version".to_owned(), version)]
                .into_iter()
                .chain(about)
                .collect(),
            network: take_network(&file, n_genes, &shape)?,
            graph: GraphConfig {
                method: parameter(&file, "connectivity_methods")?,
                knn: parameter(&file, "knn")?,
                n_neighbors: parameter(&file, "n_neighbors")?,
                aim: parameter(&file, "graph_target")?,
                aggregation: parameter(&file, "aggregation")?,
            },
            landmarks: LandmarkCells::take(&file, (WIDTH_2, shape.n_z))?,
            expression: KnownExpression::take(&file, genes.len())?,
            deviations: KnownDeviations::take(&file, n_genes)?,
            novelty: KnownNovelty::take(&file, reference.sizes.len())?,
            reference,
            types: types.transpose()?,
            tree: file.json("tree")?,
            shape,
            projection,
            genes,
            views,
            batches,
        })
    }
}

/// Fails unless this version can read the file.
fn check_format(file: &TensorFile) -> Result<(), ModelFileError> {
    let path = file.path().to_owned();
    let version = file.text("version").unwrap_or("?").to_owned();
    match file.text(FORMAT.0) {
        Some(format) if format == FORMAT.1 => Ok(()),
        Some(format) => Err(ModelFileError::OtherFormat {
            path,
            version,
            found: format.to_owned(),
            known: FORMAT.1.to_owned(),
        }),
        None if file.has("gnn_1.weight") && file.text("version").is_some() => {
            Err(ModelFileError::WeightsOnly { path, version })
        }
        None => Err(ModelFileError::Foreign { path }),
    }
}

/// A parameter of the run.
fn parameter<T: FromStr>(file: &TensorFile, name: &str) -> Result<T, ModelFileError> {
    let value = file.text(name).and_then(|text| text.parse().ok());
    value.ok_or_else(|| file.damaged(name, "is missing, or has a value that is not known"))
}
