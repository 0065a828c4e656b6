//! How a model sees cells: components of the views, what brings batches together, and features of the cell graph.

use ndarray::{Array2, ArrayView2};

use super::{Contents, ModelFileError, TensorFile};
use crate::{
    graph::Projection,
    preprocess::{
        Components, Harmony, PrincipalComponents, Rotation, Shared, Transformation, Views,
    },
};

/// What the tensors of each view are called.
const NAMES: [&str; 3] = ["log_normalized", "z_scores", "residuals"];

/// A matrix, row after row.
pub(super) fn put_matrix(file: &mut Contents, name: &str, matrix: &Array2<f32>) {
    let shape = [matrix.nrows(), matrix.ncols()];
    file.f32(name, &shape, matrix.iter().copied().collect());
}

/// A matrix of finite numbers.
pub(super) fn take_matrix(file: &TensorFile, name: &str) -> Result<Array2<f32>, ModelFileError> {
    let (shape, values) = file.f32(name, 2)?;
    Array2::from_shape_vec((shape[0], shape[1]), values.to_vec())
        .map_err(|_| file.damaged(name, "has another shape"))
}

pub(super) fn put_views(views: &Views, file: &mut Contents) {
    for (name, components) in NAMES.iter().zip(&views.each) {
        put_rotation(&components.rotation, name, file);
    }
    put_rotation(&views.shared.rotation, "shared", file);
    for (name, harmony) in NAMES.iter().zip(&views.corrections) {
        put_correction(harmony, &format!("annotate.batches.{name}"), file);
    }
}

/// The views of a model of `n_genes` highly variable genes and `n_batches` batches, where it has any.
pub(super) fn take_views(
    file: &TensorFile,
    n_genes: usize,
    n_batches: usize,
) -> Result<Option<Views>, ModelFileError> {
    if !file.has("annotate.views.shared.loadings") {
        return Ok(None);
    }
    let (mut each, mut corrections) = (Vec::new(), Vec::new());
    for (name, transformation) in NAMES.iter().zip(Transformation::ALL) {
        let rotation = take_rotation(file, name, n_genes)?;
        let n_components = rotation.n_components();
        if n_batches > 0 {
            let name = format!("annotate.batches.{name}");
            corrections.push(take_correction(file, &name, (n_components, n_batches))?);
        }
        each.push(Components {
            transformation,
            rotation,
        });
    }
    let widths = each.iter().map(|view| view.rotation.n_components());
    let rotation = take_rotation(file, "shared", widths.sum())?;
    Ok(Some(Views {
        each,
        corrections,
        shared: Shared { rotation },
    }))
}

fn put_rotation(rotation: &Rotation, name: &str, file: &mut Contents) {
    let mean = rotation.mean().to_vec();
    file.f32(&format!("annotate.views.{name}.mean"), &[mean.len()], mean);
    let name = format!("annotate.views.{name}.loadings");
    put_matrix(file, &name, &rotation.loadings());
}

/// The rotation of so many columns.
fn take_rotation(
    file: &TensorFile,
    name: &str,
    n_columns: usize,
) -> Result<Rotation, ModelFileError> {
    let mean = file.f32(&format!("annotate.views.{name}.mean"), 1)?.1;
    let name = format!("annotate.views.{name}.loadings");
    let loadings = take_matrix(file, &name)?;
    file.check(
        &name,
        loadings.nrows() == n_columns && mean.len() == n_columns,
    )?;
    Ok(Rotation::of(mean.to_vec(), &loadings))
}

fn put_correction(harmony: &Harmony, name: &str, file: &mut Contents) {
    let (n_clusters, n_batches) = harmony.penalties.dim();
    put_matrix(file, &format!("{name}.centers"), &harmony.centers);
    file.f64(
        &format!("{name}.penalties"),
        &[n_clusters, n_batches],
        harmony.penalties.iter().copied().collect(),
    );
    let offsets: Vec<f64> = harmony
        .offsets
        .iter()
        .flatten()
        .flatten()
        .copied()
        .collect();
    file.f64(
        &format!("{name}.offsets"),
        &[n_clusters, n_batches, harmony.centers.ncols()],
        offsets,
    );
}

/// The correction of a view of this many components and batches.
fn take_correction(
    file: &TensorFile,
    name: &str,
    (n_comps, n_batches): (usize, usize),
) -> Result<Harmony, ModelFileError> {
    let centers = take_matrix(file, &format!("{name}.centers"))?;
    let n_clusters = centers.nrows();
    let (shape, penalties) = file.f64(&format!("{name}.penalties"), 2)?;
    let fits = shape == [n_clusters, n_batches] && centers.ncols() == n_comps;
    file.check(name, fits)?;
    let (shape, offsets) = file.f64(&format!("{name}.offsets"), 3)?;
    file.check(name, shape == [n_clusters, n_batches, n_comps])?;
    let of_cluster = |offsets: &[f64]| {
        let of_batch = offsets.chunks(n_comps.max(1));
        of_batch.map(<[f64]>::to_vec).collect()
    };
    let penalties = ArrayView2::from_shape((n_clusters, n_batches), penalties)
        .map_err(|_| file.damaged(name, "has another shape"))?;
    Ok(Harmony {
        centers,
        penalties: penalties.to_owned(),
        offsets: offsets
            .chunks((n_comps * n_batches).max(1))
            .map(of_cluster)
            .collect(),
    })
}

pub(super) fn put_projection(projection: &Projection, file: &mut Contents) {
    let name = match projection {
        Projection::Expression => "expression",
        Projection::View => "view",
        Projection::Components(components) => {
            let (n_genes, n_comps) = components.loadings.dim();
            let loadings = components.loadings.iter().copied().collect();
            file.f64(
                "annotate.components.mean",
                &[n_genes],
                components.mean.clone(),
            );
            file.f64(
                "annotate.components.loadings",
                &[n_genes, n_comps],
                loadings,
            );
            "components"
        }
    };
    file.json("graph_features", &name);
}

/// The features of a model of `n_genes` highly variable genes.
pub(super) fn take_projection(
    file: &TensorFile,
    n_genes: usize,
) -> Result<Projection, ModelFileError> {
    match file.json::<String>("graph_features")?.as_str() {
        "expression" => Ok(Projection::Expression),
        "view" => Ok(Projection::View),
        "components" => {
            let name = "annotate.components.loadings";
            let mean = file.f64("annotate.components.mean", 1)?.1.to_vec();
            let (shape, loadings) = file.f64(name, 2)?;
            file.check(name, shape[0] == n_genes && mean.len() == n_genes)?;
            let loadings = Array2::from_shape_vec((shape[0], shape[1]), loadings.to_vec())
                .map_err(|_| file.damaged(name, "has another shape"))?;
            Ok(Projection::Components(PrincipalComponents {
                mean,
                loadings,
            }))
        }
        _ => Err(file.damaged("graph_features", "is none of those that are known")),
    }
}
