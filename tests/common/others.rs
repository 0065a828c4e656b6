//! Small files in formats besides AnnData's.

use std::path::Path;

use hdf5::{File, Group, types::VarLenUnicode};
use ndarray::Array2;

/// Counts, cells × genes, with names and types.
pub struct Named<'a> {
    pub counts: &'a Array2<f32>,
    pub cells: &'a [String],
    pub genes: &'a [String],
    pub types: &'a [String],
}

/// Writes a loom file, whose types are `ClusterName`.
pub fn write_loom(path: &Path, data: &Named<'_>) {
    let file = File::create(path).expect("a file");
    let turned = data.counts.t().as_standard_layout().into_owned();
    let (n_genes, n_cells) = turned.dim();
    let chunk = (64.min(n_genes), 64.min(n_cells));
    let matrix = file.new_dataset_builder().with_data(&turned);
    let matrix = matrix.chunk(chunk).deflate(2).create("matrix");
    matrix.expect("a matrix");
    texts(&group(&file, "row_attrs"), "Gene", data.genes);
    let cells = group(&file, "col_attrs");
    texts(&cells, "CellID", data.cells);
    texts(&cells, "ClusterName", data.types);
}

/// Writes an h5mu file of the modalities `prot`, a single antibody, and `rna`.
pub fn write_h5mu(path: &Path, data: &Named<'_>) {
    let file = File::create(path).expect("a file");
    let one = Array2::ones((data.cells.len(), 1));
    write_modality(&file, "prot", &["CD3".to_owned()], &one, data);
    write_modality(&file, "rna", data.genes, data.counts, data);
    group(&file, "obs");
}

fn write_modality(file: &File, name: &str, genes: &[String], x: &Array2<f32>, data: &Named<'_>) {
    let modality = group(file, &format!("mod/{name}"));
    let dataset = modality.new_dataset_builder().with_data(x).create("X");
    dataset.expect("a matrix");
    for (table, names) in [("obs", data.cells), ("var", genes)] {
        let table = group(&modality, table);
        let index = table.new_attr::<VarLenUnicode>().create("_index");
        let index = index.expect("an attribute");
        index.write_scalar(&text("_index")).expect("an attribute");
        texts(&table, "_index", names);
    }
    texts(&modality.group("obs").expect("obs"), "celltype", data.types);
}

fn group(parent: &Group, name: &str) -> Group {
    parent.create_group(name).expect("a group")
}

fn text(of: &str) -> VarLenUnicode {
    of.parse().expect("text")
}

fn texts(group: &Group, name: &str, of: &[String]) {
    let texts: Vec<VarLenUnicode> = of.iter().map(|of| text(of)).collect();
    let dataset = group.new_dataset_builder().with_data(&texts).create(name);
    dataset.expect("a dataset");
}
