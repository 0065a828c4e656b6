//! Marker genes, against scanpy and by themselves.

mod common;

use attentionae_sc::{
    counts::{CountSource, CountsError, Csr},
    h5ad::H5adError,
    markers::{Marker, find_markers, find_markers_among},
    preprocess::{Batches, Flavor, Prepared, prepare, prepare_in_batches},
};
use common::{golden, simulate};
use hdf5::File;
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};

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

    fn rows(&self, cells: std::ops::Range<usize>) -> Result<Csr, CountsError> {
        if cells.end > 1024 {
            return Err((H5adError::Missing {
                path: "torn.h5ad".into(),
                nearby: Vec::new(),
            })
            .into());
        }
        CountSource::rows(&self.0, cells)
    }
}

#[test]
fn genes_that_do_not_take_part_are_neither_listed_nor_counted() {
    let counts = simulate::counts(200, 60, 0.2, 3);
    let prepared = prepared(&counts);
    let labels: Vec<usize> = (0..prepared.n_cells()).map(|cell| cell % 2).collect();
    let all = find_markers(&counts, &prepared, &labels, ALL).expect("in memory");
    let some = find_markers_among(&counts, &prepared, &labels, ALL, |gene| gene % 3 == 0);
    for (all, some) in all.iter().zip(some.expect("in memory")) {
        let listed: Vec<usize> = some.iter().map(|marker| marker.gene).collect();
        let expected = all.iter().map(|marker| marker.gene);
        assert_eq!(
            listed,
            expected.filter(|gene| gene % 3 == 0).collect::<Vec<_>>()
        );
        let lowest = some
            .iter()
            .min_by(|a, b| a.p.total_cmp(&b.p))
            .expect("markers");
        assert!(lowest.p_adjusted <= lowest.p * 20.0);
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

/// Counts of the same total in every cell, so that values are in the order of counts: a gene that is set apart in `kinds`
/// of cells by a rate for each, genes of one rate, and what is left of the total.
fn of_equal_totals(kinds: &[usize], rates: &[f64]) -> Csr {
    const N_OTHERS: usize = 20;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (mut offsets, mut genes, mut values) = (vec![0], Vec::new(), Vec::new());
    for &kind in kinds {
        let rates = std::iter::once(rates[kind]).chain([1.0; N_OTHERS]);
        let mut left = 1000.0;
        for (gene, rate) in rates.enumerate() {
            let count: f64 = Poisson::new(rate).expect("a rate").sample(&mut rng);
            if count > 0.0 {
                genes.push(gene as u32);
                values.push(count as f32);
                left -= count;
            }
        }
        genes.push(N_OTHERS as u32 + 1);
        values.push(left as f32);
        offsets.push(values.len());
    }
    Csr::new((kinds.len(), N_OTHERS + 2), offsets, genes, values)
}

fn batches(of_cell: &[usize]) -> Batches {
    let names = of_cell.iter().map(|batch| Some(format!("b{batch}")));
    Batches::of(&names.collect::<Vec<_>>())
}

/// The markers of cells in batches, every gene, each cluster's in the order of genes.
fn in_batches(counts: &Csr, labels: &[usize], batches: Option<&Batches>) -> Vec<Vec<Marker>> {
    let prepared =
        prepare_in_batches(counts, 100, Flavor::Seurat, batches).expect("cells with counts");
    let mut markers = find_markers(counts, &prepared, labels, ALL).expect("in memory");
    for markers in &mut markers {
        markers.sort_by_key(|marker| marker.gene);
    }
    markers
}

/// The sum over batches of the cluster's centred rank sum over one more than the batch's cells, standardised.
fn van_elteren(values: &[f32], is_in: &[bool], batch: &[u32]) -> f64 {
    let (mut sum, mut variance) = (0.0, 0.0);
    for wanted in 0..=*batch.iter().max().expect("cells") {
        let cells: Vec<usize> = (0..values.len())
            .filter(|&cell| batch[cell] == wanted)
            .collect();
        let n_cells = cells.len() as f64;
        let n = cells.iter().filter(|&&cell| is_in[cell]).count() as f64;
        let rank = |cell: usize| {
            let below = cells.iter().filter(|&&other| values[other] < values[cell]);
            let equal = cells
                .iter()
                .filter(|&&other| values[other].to_bits() == values[cell].to_bits());
            below.count() as f64 + f64::midpoint(equal.count() as f64, 1.0)
        };
        let ranks: f64 = cells
            .iter()
            .filter(|&&cell| is_in[cell])
            .map(|&cell| rank(cell))
            .sum();
        let weight = 1.0 / (n_cells + 1.0);
        sum += weight * (ranks - n * (n_cells + 1.0) / 2.0);
        variance += weight * weight * n * (n_cells - n) * (n_cells + 1.0) / 12.0;
    }
    sum / variance.sqrt()
}

#[test]
fn scores_within_batches_are_those_of_a_plain_computation() {
    let kinds: Vec<usize> = (0..150).map(|cell| (cell * 7 + cell / 11) % 3).collect();
    let of_cell: Vec<usize> = (0..150).map(|cell| (cell * cell) % 5).collect();
    let counts = of_equal_totals(&kinds, &[1.0, 4.0, 2.0]);
    let batches = batches(&of_cell);
    let values = common::dense(&counts);
    let markers = in_batches(&counts, &kinds, Some(&batches));
    for (cluster, markers) in markers.iter().enumerate() {
        let is_in: Vec<bool> = kinds.iter().map(|&kind| kind == cluster).collect();
        assert_eq!(markers.len(), values.ncols());
        for marker in markers {
            let values = values.column(marker.gene).to_vec();
            let expected = van_elteren(&values, &is_in, &batches.of_cell);
            assert!(
                (marker.score - expected).abs() < 1e-11,
                "{marker:?}, not {expected}"
            );
            // Squares leave 0, 1 or 4 when they are divided by 5.
            assert_eq!(marker.n_batches, Some(3));
        }
    }
}

#[test]
fn what_differs_between_batches_only_is_no_marker() {
    // Four of five cells of a cluster are of its own batch.
    let labels: Vec<usize> = (0..400).map(|cell| cell % 2).collect();
    let batch: Vec<usize> = (0..400)
        .map(|cell| {
            if cell % 10 < 8 {
                cell % 2
            } else {
                1 - cell % 2
            }
        })
        .collect();
    let batches = batches(&batch);
    let score = |counts: &Csr, batches| in_batches(counts, &labels, batches)[1][0].score;
    let by_batch = of_equal_totals(&batch, &[1.0, 4.0]);
    assert!(score(&by_batch, None) > 8.0);
    assert!(score(&by_batch, Some(&batches)).abs() < 3.0);
    let by_cluster = of_equal_totals(&labels, &[1.0, 4.0]);
    assert!(score(&by_cluster, None) > 8.0);
    assert!(score(&by_cluster, Some(&batches)) > 8.0);
}

#[test]
fn a_cluster_that_no_batch_shares_has_no_markers() {
    let labels: Vec<usize> = (0..90).map(|cell| cell % 3).collect();
    let batch: Vec<usize> = labels
        .iter()
        .map(|&label| usize::from(label == 2))
        .collect();
    let counts = of_equal_totals(&labels, &[1.0, 4.0, 2.0]);
    let markers = in_batches(&counts, &labels, Some(&batches(&batch)));
    assert_eq!(markers[2], []);
    assert!(markers[0].iter().all(|marker| marker.n_batches == Some(1)));
    let whole = in_batches(&counts, &labels, None);
    assert!(
        whole
            .iter()
            .flatten()
            .all(|marker| marker.n_batches.is_none())
    );
    assert_eq!(whole[2].len(), counts.cols());
}
