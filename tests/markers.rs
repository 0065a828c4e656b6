//! Marker genes, against scanpy and by themselves.

mod common;

use attentionae_sc::{
    counts::{CountSource, Csr},
    h5ad::H5adError,
    markers::{Marker, find_markers},
    preprocess::{Prepared, prepare},
};
use common::{golden, simulate};
use hdf5::File;
use ndarray::Array2;

const ALL: usize = usize::MAX;

fn reference(partition: &str, column: &str) -> Array2<f64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/markers.h5");
    let file = File::open(path).expect("tests/golden/markers.h5 opens");
    let dataset = file.dataset(&format!("{partition}/{column}"));
    dataset.and_then(|values| values.read_2d()).expect(column)
}

fn reference_labels(partition: &str, prepared: &Prepared) -> Vec<usize> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/markers.h5");
    let file = File::open(path).expect("tests/golden/markers.h5 opens");
    let labels = file.dataset(&format!("{partition}/labels"));
    let labels: Vec<i64> = labels.and_then(|values| values.read_raw()).expect("labels");
    prepared
        .cells
        .iter()
        .map(|&cell| labels[cell] as usize)
        .collect()
}

fn prepared(counts: &Csr) -> Prepared {
    prepare(counts, 100).expect("cells with counts")
}

/// Asserts that a value of every cluster and gene is scanpy's, relative to numbers above `unit`.
fn assert_scanpys(
    markers: &[Vec<Marker>],
    (partition, column): (&str, &str),
    (tolerance, unit): (f64, f64),
    value: impl Fn(&Marker) -> f64,
) {
    let expected = reference(partition, column);
    assert_eq!(markers.len(), expected.nrows());
    for (cluster, markers) in markers.iter().enumerate() {
        assert_eq!(markers.len(), expected.ncols());
        for marker in markers {
            let (found, expected) = (value(marker), expected[[cluster, marker.gene]]);
            assert!(
                (found - expected).abs() <= tolerance * expected.abs().max(unit),
                "{partition}, cluster {cluster}, gene {}: {column} {found}, not {expected}",
                marker.gene
            );
        }
    }
}

#[test]
fn every_number_of_every_gene_and_cluster_is_scanpys() {
    let counts = golden::small_counts();
    let prepared = prepared(&counts);
    for partition in ["celltype", "uneven"] {
        let labels = reference_labels(partition, &prepared);
        let markers = find_markers(&counts, &prepared, &labels, ALL).expect("in memory");
        // scanpy keeps scores and fold changes as float32.
        let single = (1.2e-7, 1e-3);
        assert_scanpys(&markers, (partition, "scores"), single, |m| m.score);
        assert_scanpys(
            &markers,
            (partition, "logfoldchanges"),
            (1.2e-7, 1.0),
            |m| m.log_fold_change,
        );
        let double = (1e-11, 0.0);
        assert_scanpys(&markers, (partition, "pvals"), double, |m| m.p);
        assert_scanpys(&markers, (partition, "pvals_adj"), double, |m| m.p_adjusted);
        assert_scanpys(&markers, (partition, "pct_nz_group"), double, |m| {
            m.share_in
        });
        assert_scanpys(&markers, (partition, "pct_nz_reference"), double, |m| {
            m.share_out
        });
    }
}

#[test]
fn the_best_come_first_and_equal_ones_in_the_files_order() {
    let counts = golden::small_counts();
    let prepared = prepared(&counts);
    let labels = reference_labels("celltype", &prepared);
    let all = find_markers(&counts, &prepared, &labels, ALL).expect("in memory");
    for markers in &all {
        let ordered = |pair: &[Marker]| {
            pair[0].score > pair[1].score
                || pair[0].score.to_bits() == pair[1].score.to_bits() && pair[0].gene < pair[1].gene
        };
        assert!(markers.windows(2).all(ordered));
    }
    let some = find_markers(&counts, &prepared, &labels, 7).expect("in memory");
    for (some, all) in some.iter().zip(&all) {
        assert_eq!(some, &all[..7]);
    }
}

#[test]
fn a_single_cluster_has_no_markers() {
    let counts = golden::small_counts();
    let prepared = prepared(&counts);
    let labels = vec![0; prepared.n_cells()];
    let markers = find_markers(&counts, &prepared, &labels, ALL).expect("in memory");
    assert_eq!(markers, [vec![]]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let counts = simulate::counts(1500, 60, 0.2, 3);
    let prepared = prepared(&counts);
    let labels: Vec<usize> = (0..prepared.n_cells()).map(|cell| cell % 8).collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads")
            .install(|| find_markers(&counts, &prepared, &labels, ALL).expect("in memory"))
    };
    assert_eq!(with(1), with(3));
}

/// Counts in a file that becomes unreadable after some rows.
#[derive(Debug)]
struct Torn(Csr);

impl CountSource for Torn {
    fn n_cells(&self) -> usize {
        self.0.rows()
    }

    fn n_genes(&self) -> usize {
        self.0.cols()
    }

    fn rows(&self, cells: std::ops::Range<usize>) -> Result<Csr, H5adError> {
        if cells.end > 1024 {
            return Err(H5adError::Missing {
                path: "torn.h5ad".into(),
                nearby: Vec::new(),
            });
        }
        CountSource::rows(&self.0, cells)
    }
}

#[test]
fn a_file_that_cannot_be_read_again_is_an_error() {
    let counts = simulate::counts(1500, 60, 0.2, 3);
    let prepared = prepared(&counts);
    let labels: Vec<usize> = (0..prepared.n_cells()).map(|cell| cell % 2).collect();
    let error = find_markers(&Torn(counts), &prepared, &labels, ALL).expect_err("torn");
    assert!(error.to_string().starts_with("torn.h5ad"), "{error}");
}
