//! Preparation of raw counts, against scanpy and by itself.

mod common;

use attentionae_sc::{
    counts::Csr,
    preprocess::{
        Batches, CellComponents, Flavor, GenesOfViews, Prepared, PreprocessError, Transformation,
        pca, prepare, prepare_in_batches,
    },
};
use common::{dense, golden};
use ndarray::{Array2, Axis};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};

/// As many genes as the reference values were computed with.
const N_HVG: usize = 120;

fn small() -> Prepared {
    prepare(&golden::small_counts(), N_HVG).expect("the simulated cells can be prepared")
}

fn all_cells(prepared: &Prepared) -> Vec<usize> {
    (0..prepared.n_cells()).collect()
}

fn names_at(names: &[String], positions: &[usize]) -> Vec<String> {
    positions.iter().map(|&i| names[i].clone()).collect()
}

#[test]
fn the_highly_variable_genes_are_scanpys() {
    let genes = names_at(&golden::small_gene_names(), &small().genes);
    assert_eq!(genes, golden::names("prepare/hvg_names"));
}

/// Genes that scanpy chooses, which `golden/make_hvg.py` wrote.
fn assert_hvg(flavor: Flavor, batches: Option<&Batches>, expected: &str) {
    let prepared = prepare_in_batches(&golden::small_counts(), N_HVG, flavor, batches);
    let genes = prepared.expect("cells and genes").genes;
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(names_at(&golden::small_gene_names(), &genes), expected);
}

#[test]
fn the_highly_variable_genes_of_batches_and_flavors_are_scanpys() {
    let label = |cell: usize| match (cell % 16, cell % 3) {
        (0, _) => "c",
        (_, 0) => "b",
        _ => "a",
    };
    let labels: Vec<_> = (0..240).map(|cell| Some(label(cell).to_owned())).collect();
    let batches = Batches::of(&labels);
    for (flavor, batches, expected) in [
        (
            Flavor::Seurat,
            Some(&batches),
            include_str!("golden/hvg_seurat_in_batches.txt"),
        ),
        (
            Flavor::CellRanger,
            None,
            include_str!("golden/hvg_cell_ranger.txt"),
        ),
        (
            Flavor::CellRanger,
            Some(&batches),
            include_str!("golden/hvg_cell_ranger_in_batches.txt"),
        ),
        (
            Flavor::PearsonResiduals,
            None,
            include_str!("golden/hvg_pearson_residuals.txt"),
        ),
        (
            Flavor::PearsonResiduals,
            Some(&batches),
            include_str!("golden/hvg_pearson_residuals_in_batches.txt"),
        ),
    ] {
        assert_hvg(flavor, batches, expected);
    }
}

#[test]
fn genes_of_heat_shock_judge_no_split() {
    let places = |prepared: &Prepared, genes: std::ops::Range<usize>| -> Vec<usize> {
        let is_in = |&place: &usize| genes.contains(&prepared.genes[place]);
        (0..prepared.n_genes()).filter(is_in).collect()
    };
    let mut prepared = small();
    let n_genes = golden::small_gene_names().len();
    let names: Vec<String> = (0..n_genes).map(|gene| format!("gene_{gene}")).collect();
    prepared.judge_without_heat_shock(std::slice::from_ref(&names));
    assert_eq!(prepared.judging, None);

    // Gene 40 and later ones, in the list of symbols only.
    let mut symbols = names.clone();
    for symbol in &mut symbols[40..] {
        "Hspa1b".clone_into(symbol);
    }
    prepared.judge_without_heat_shock(&[names.clone(), symbols]);
    assert_eq!(prepared.judging, Some(places(&prepared, 0..40)));

    // Less those before gene 20, of the genes that judge.
    let mut ids = names;
    for id in &mut ids[..20] {
        "ENSG00000204388".clone_into(id);
    }
    prepared.judge_without_heat_shock(&[ids]);
    assert_eq!(prepared.judging, Some(places(&prepared, 20..40)));
}

#[test]
fn cells_without_counts_are_dropped() {
    let prepared = small();
    let cells = names_at(&golden::small_cell_names(), &prepared.cells);
    assert_eq!(cells, golden::names("prepare/kept_cells"));
    assert_eq!((prepared.n_cells(), prepared.n_genes()), (239, 120));
}

#[test]
fn size_factors_counts_values_and_zscores_are_scanpys() {
    let prepared = small();
    let cells = all_cells(&prepared);
    let factors = golden::array1("prepare/size_factors").insert_axis(Axis(0));
    let found = Array2::from_shape_vec(factors.dim(), prepared.size_factors.clone());
    let found = found.expect("one size factor per cell");
    for (what, found, expected) in [
        ("size factors", found, factors),
        (
            "counts",
            dense(&prepared.counts_of(&cells)),
            golden::array2("prepare/counts"),
        ),
        (
            "log-normalised",
            prepared.lognorm(&cells),
            golden::array2("prepare/lognorm"),
        ),
        (
            "z-scores",
            prepared.zscores(&cells),
            golden::array2("prepare/zscore"),
        ),
    ] {
        let error = golden::max_difference(&found, &expected);
        println!("{what}: largest error {error:e}");
        assert!(error <= 1e-5, "{what}: largest error {error:e}");
    }
}

#[test]
fn rows_are_given_in_the_order_asked_for() {
    let prepared = small();
    let all = prepared.zscores(&all_cells(&prepared));
    let some = prepared.zscores(&[7, 0, 7]);
    for (row, cell) in [7, 0, 7].into_iter().enumerate() {
        assert_eq!(some.row(row), all.row(cell));
    }
    assert_eq!(prepared.lognorm(&[]).dim(), (0, N_HVG));
}

#[test]
fn more_genes_than_there_are_keeps_every_gene_that_varies() {
    let counts = golden::small_counts();
    let prepared = prepare(&counts, 100_000).expect("the cells can be prepared");
    let mut detected: Vec<usize> = counts.indices().iter().map(|&gene| gene as usize).collect();
    detected.sort_unstable();
    detected.dedup();
    assert_eq!(prepared.n_detected_genes, detected.len());
    assert_eq!(prepared.genes, detected);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let prepared_by = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a thread pool can be made").install(|| {
            let prepared = small();
            let scores = pca(&prepared, 10).expect("components can be computed");
            let transformed = Transformation::ALL.map(|transformation| {
                let cells: Vec<usize> = (0..prepared.n_cells()).step_by(2).collect();
                let components = transformation.components(&prepared, &cells, 10);
                let components = components.expect("components can be computed");
                components.scores(&prepared, &cells)
            });
            (prepared.genes, prepared.scaling, scores, transformed)
        })
    };
    assert_eq!(prepared_by(1), prepared_by(2));
}

/// A matrix of the given rows.
fn counts(rows: &[&[f32]]) -> Csr {
    let mut matrix = Csr::zero((0, rows.first().map_or(0, |row| row.len())));
    for row in rows {
        let stored = (0..row.len()).filter(|&gene| row[gene] != 0.0);
        let (genes, values) = stored.map(|gene| (gene as u32, row[gene])).unzip();
        matrix = matrix.append_outer_csvec(sprs::CsVecI::new(row.len(), genes, values).view());
    }
    matrix
}

fn message(rows: &[&[f32]]) -> String {
    let error: PreprocessError = prepare(&counts(rows), 10).expect_err("nothing to prepare");
    error.to_string()
}

#[test]
fn what_cannot_be_prepared_is_said_with_its_size() {
    assert_eq!(message(&[]), "the count matrix is empty: 0 cells × 0 genes");
    assert_eq!(
        message(&[&[], &[]]),
        "the count matrix is empty: 2 cells × 0 genes"
    );
    assert_eq!(
        message(&[&[0.0, 0.0], &[0.0, 0.0], &[0.0, 0.0]]),
        "no gene is detected in any cell: all 3 cells × 2 genes are 0"
    );
    assert_eq!(
        message(&[&[0.0, 0.0], &[1.0, 2.0]]),
        "only 1 of 2 cells has any counts; at least 2 are needed to compare cells"
    );
    assert_eq!(
        message(&[&[1.0, 1.0, 0.0], &[2.0, 2.0, 0.0]]),
        "none of the 2 detected genes varies between the 2 cells with counts, \
         so there is nothing to tell cells apart by"
    );
}

/// Centred log-normalised values of all cells.
fn centred(prepared: &Prepared) -> Array2<f64> {
    let x = prepared.lognorm(&all_cells(prepared)).mapv(f64::from);
    let mean = x.mean_axis(Axis(0)).expect("there are cells");
    x - mean
}

#[test]
fn principal_components_are_those_of_the_singular_value_decomposition() {
    let prepared = small();
    let x = centred(&prepared);
    let matrix = faer::Mat::from_fn(x.nrows(), x.ncols(), |i, j| x[[i, j]]);
    let svd = matrix.thin_svd().expect("the decomposition converges");
    let scores = pca(&prepared, 10).expect("the components can be computed");
    assert_eq!(scores.dim(), (239, 10));
    for component in 0..10 {
        let singular = svd.S().column_vector()[component];
        let direction: Vec<f64> = svd.U().col(component).iter().copied().collect();
        let found = scores.column(component).mapv(f64::from);
        let furthest_from = |sign: f64| {
            let pairs = found.iter().zip(&direction);
            pairs.fold(0.0_f64, |worst, (a, u)| {
                worst.max((a - sign * u * singular).abs())
            })
        };
        let (same, flipped) = (furthest_from(1.0), furthest_from(-1.0));
        assert!(
            same.min(flipped) < 1e-5,
            "component {component}: {same}, {flipped}"
        );
    }
}

#[test]
fn there_are_no_more_components_than_cells_or_genes() {
    let prepared = prepare(&counts(&[&[1.0, 5.0, 0.0], &[2.0, 1.0, 3.0]]), 3);
    let prepared = prepared.expect("two cells suffice");
    let scores = pca(&prepared, 50).expect("components exist");
    assert_eq!(scores.dim(), (2, 2));
    assert!(scores.iter().all(|score| score.is_finite()));
    for transformation in Transformation::ALL {
        let scores = transformation.components(&prepared, &[1, 0], 50);
        let scores = scores.expect("components exist").scores(&prepared, &[1, 0]);
        assert_eq!(scores.dim(), (2, 2));
        assert!(scores.iter().all(|score| score.is_finite()));
    }
}

#[test]
fn components_of_dense_cells_are_those_of_the_sparse_counts() {
    let prepared = small();
    let scores = pca(&prepared, 10).expect("components can be computed");
    let cells = all_cells(&prepared);
    let dense = Transformation::LogNormalized.components(&prepared, &cells, 10);
    let dense = dense
        .expect("components can be computed")
        .scores(&prepared, &cells);
    for (one, other) in scores.iter().zip(&dense) {
        assert!((one - other).abs() < 1e-3, "{one} is not {other}");
    }
}

/// Whether some of 40 cells are as far apart by their scores as by the values.
fn assert_as_far_apart(values: &Array2<f32>, scores: &Array2<f32>) {
    for (a, b) in [(0, 1), (3, 17), (39, 20)] {
        let apart = |x: &Array2<f32>| (&x.row(a) - &x.row(b)).mapv(|d| d * d).sum().sqrt();
        let (expected, found) = (apart(values), apart(scores));
        assert!(
            (expected - found).abs() < 1e-3 * expected,
            "{found}, not {expected}"
        );
    }
}

#[test]
fn transformed_components_keep_the_distances_of_the_clipped_values() {
    let prepared = small();
    let cells: Vec<usize> = (0..40).collect();
    for (transformation, values) in [
        (Transformation::ZScores, prepared.zscores(&cells)),
        (Transformation::Residuals, prepared.residuals(&cells)),
    ] {
        let values = values.mapv(|value| value.clamp(-10.0, 10.0));
        let scores = transformation.components(&prepared, &cells, 40);
        let scores = scores
            .expect("components can be computed")
            .scores(&prepared, &cells);
        assert_as_far_apart(&values, &scores);
    }
}

#[test]
fn a_view_is_of_its_own_genes() {
    let mut prepared = small();
    let of_views = GenesOfViews {
        dispersed: (0..70).collect(),
        residual: (50..120).collect(),
    };
    prepared.of_views = Some(of_views.clone());
    let cells: Vec<usize> = (0..40).collect();
    for (transformation, values, genes) in [
        (
            Transformation::LogNormalized,
            prepared.lognorm(&cells),
            &of_views.dispersed,
        ),
        (
            Transformation::Residuals,
            prepared.residuals(&cells),
            &of_views.residual,
        ),
    ] {
        let values = values.select(Axis(1), genes);
        let values = values.mapv(|value| value.clamp(-10.0, 10.0));
        let components = transformation.components(&prepared, &cells, 40);
        // Cells are seen in the same way without what the components were found by.
        prepared.of_views = None;
        let scores = components.expect("components can be computed");
        let scores = scores.scores(&prepared, &cells);
        prepared.of_views = Some(of_views.clone());
        assert_as_far_apart(&values, &scores);
    }
}

#[test]
fn residuals_by_hand() {
    let prepared = prepare(&counts(&[&[1.0, 5.0, 0.0], &[2.0, 1.0, 3.0]]), 3);
    let prepared = prepared.expect("two cells suffice");
    let residuals = prepared.residuals(&[1, 0]);
    // Totals 6 and 6; the genes have 3, 6 and 3 of 12 counts: means 1.5, 3 and 1.5 in either cell.
    let expected = |count: f32, mean: f32| (count - mean) / (mean + mean * mean / 100.0).sqrt();
    let by_hand = [
        [(2.0, 1.5), (1.0, 3.0), (3.0, 1.5)],
        [(1.0, 1.5), (5.0, 3.0), (0.0, 1.5)],
    ];
    assert_eq!(prepared.genes, [0, 1, 2]);
    for (found, (count, mean)) in residuals.iter().zip(by_hand.into_iter().flatten()) {
        assert!((found - expected(count, mean)).abs() < 1e-6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn zscores_have_mean_0_and_deviation_1_or_are_all_0(
        rows in prop::collection::vec(prop::collection::vec(0_u8..4, 6), 2..40)
    ) {
        let rows: Vec<Vec<f32>> = rows
            .into_iter()
            .map(|row| row.into_iter().map(f32::from).collect())
            .collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        if let Ok(prepared) = prepare(&counts(&rows), 4) {
            let cells = all_cells(&prepared);
            let z = prepared.zscores(&cells).mapv(f64::from);
            for (column, values) in z.columns().into_iter().zip(prepared.lognorm(&cells).columns()) {
                let (mean, deviation) = (column.mean().unwrap_or(f64::NAN), column.std(0.0));
                let constant = values.iter().all(|value| value.to_bits() == values[0].to_bits());
                let expected = if constant { 0.0 } else { 1.0 };
                prop_assert!(mean.abs() < 1e-5);
                prop_assert!((deviation - expected).abs() < 1e-4);
            }
        }
    }
}

/// Twenty cells of each of so many types; a type has twelve genes of its own.
fn many_types(n_types: usize) -> Csr {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (n_cells, n_genes) = (20 * n_types, 12 * n_types);
    let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for cell in 0..n_cells {
        for gene in 0..n_genes {
            let rate = if gene / 12 == cell % n_types {
                4.0
            } else {
                0.5
            };
            let count: f64 = Poisson::new(rate).expect("a rate").sample(&mut rng);
            if count > 0.0 {
                indices.push(gene as u32);
                values.push(count as f32);
            }
        }
        indptr.push(indices.len());
    }
    Csr::new((n_cells, n_genes), indptr, indices, values)
}

#[test]
fn cells_that_differ_in_depth_alone_are_told_apart_by_nothing() {
    let profile = [7.0, 1.0, 3.0, 2.0, 9.0];
    let deeper = Array2::from_shape_fn((12, 5), |(cell, gene)| (cell + 1) as f32 * profile[gene]);
    let alike = Array2::from_shape_fn((12, 5), |(_, gene)| profile[gene]);
    for counts in [deeper, alike] {
        let counts = Csr::csr_from_dense(counts.view(), 0.0);
        let error = prepare_in_batches(&counts, 5, Flavor::Combined, None).expect_err("alike");
        assert!(
            error.to_string().contains("nothing to tell cells apart by"),
            "{error}"
        );
    }
}

#[test]
fn as_many_components_are_kept_as_types_span_up_to_a_hundred() {
    for (n_types, n_components) in [(30, 50), (60, 59), (90, 89), (120, 50)] {
        let prepared = prepare(&many_types(n_types), 2500).expect("cells and genes");
        let seen = CellComponents::find(&prepared, &all_cells(&prepared), 8, 1);
        for view in seen.expect("components").each {
            assert_eq!(view.ncols(), n_components, "{n_types} types");
        }
    }
}
