//! The data sets of the paper.

use std::path::PathBuf;

use attentionae_sc::convert::Converted;

use crate::{
    common::beside::shared,
    folder::{Folder, counts, csv_to_h5ad, h5_to_h5ad, labels},
};

/// A path below `../shared/data`, where that folder is.
fn data(name: &str) -> Option<PathBuf> {
    shared(&format!("data/{name}"))
}

#[test]
fn the_two_mouse_tables_of_baron() {
    let names = [
        "raw/Baron/Baron mouse1.zip",
        "raw/Baron/Baron mouse2.zip",
        "baron_mouse.h5ad",
    ];
    let [Some(first), Some(second), Some(expected)] = names.map(data) else {
        return;
    };
    let folder = Folder::new();
    let output = folder.path("baron.h5ad");
    let converted = csv_to_h5ad(&[first, second], &output).expect("a conversion");
    let size = Converted {
        n_cells: 1886,
        n_genes: 14_878,
        n_celltypes: Some(13),
        notes: converted.notes.clone(),
    };
    assert_eq!(converted, size);
    assert_eq!(counts(&output), counts(&expected));
    assert_eq!(labels(&output, "celltype"), labels(&expected, "celltype"));
}

#[test]
fn the_mouse_bladder_matrix() {
    let names = [
        "raw/mouse_bladder/mouse_bladder.h5",
        "mouse_bladder_2100_allgenes.h5ad",
    ];
    let [Some(input), Some(expected)] = names.map(data) else {
        return;
    };
    let folder = Folder::new();
    let output = folder.path("bladder.h5ad");
    let converted = h5_to_h5ad(&input, &output).expect("a conversion");
    assert_eq!((converted.n_cells, converted.n_genes), (2100, 20_670));
    assert_eq!(counts(&output), counts(&expected));
    assert!(
        labels(&output, "celltype")
            .iter()
            .all(|label| label.parse::<u8>().is_ok())
    );
}
