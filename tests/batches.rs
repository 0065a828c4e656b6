//! Cells in batches: what is brought together, and what is not.

mod common;

use std::{collections::HashMap, fs, path::Path};

use assert_cmd::Command;
use attentionae_sc::{
    counts::Csr,
    h5ad::{Column, NewH5ad, write_h5ad},
    preprocess::{
        Batches, CellComponents, Flavor, Transformation, prepare_in_batches, scores_together,
    },
};
use common::simulate;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Poisson};

const N_CELLS: usize = 600;
const N_GENES: usize = 400;
/// Genes by which a type differs from the others.
const N_MARKERS: usize = 30;

/// Counts, types and batches of cells. Three types are in both batches, which differ in the rate of every gene; the fourth
/// is in the second batch only.
fn cells_of_two_batches() -> (Csr, Vec<usize>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let spread = |sigma| LogNormal::new(0.0, sigma).expect("a distribution");
    let base: Vec<f64> = (0..N_GENES).map(|_| spread(1.0).sample(&mut rng)).collect();
    let shift: Vec<f64> = (0..N_GENES).map(|_| spread(0.5).sample(&mut rng)).collect();
    let (mut offsets, mut genes, mut values) = (vec![0], Vec::new(), Vec::new());
    let (mut types, mut batches) = (Vec::new(), Vec::new());
    for cell in 0..N_CELLS {
        let batch = cell % 2;
        let kind = if batch == 1 && cell % 10 == 1 {
            3
        } else {
            rng.random_range(0..3)
        };
        for gene in 0..N_GENES {
            let is_marker = gene / N_MARKERS == kind;
            let rate = base[gene] * if is_marker { 8.0 } else { 1.0 };
            let rate = rate * if batch == 1 { shift[gene] } else { 1.0 };
            let count: f64 = Poisson::new(rate).expect("a rate").sample(&mut rng);
            if count > 0.0 {
                genes.push(gene as u32);
                values.push(count as f32);
            }
        }
        offsets.push(values.len());
        types.push(kind);
        batches.push(batch);
    }
    (
        Csr::new((N_CELLS, N_GENES), offsets, genes, values),
        types,
        batches,
    )
}

fn write(path: &Path, counts: &Csr, types: &[usize], batches: &[usize]) {
    let labels = |kind: &str, of: &[usize]| {
        Column::Categorical(
            of.iter()
                .map(|label| Some(format!("{kind}{label}")))
                .collect(),
        )
    };
    let names = |kind: &str, n: usize| (0..n).map(|i| format!("{kind}{i}")).collect();
    let data = NewH5ad {
        counts,
        obs_names: names("cell", N_CELLS),
        var_names: names("gene", N_GENES),
        obs: vec![
            ("celltype".to_owned(), labels("type", types)),
            ("donor".to_owned(), labels("donor", batches)),
        ],
        var: Vec::new(),
        uns: Vec::new(),
    };
    write_h5ad(path, &data).expect("a file");
}

/// The best F1 of a type over all clusters.
fn best_f1(wanted: usize, types: &[usize], clusters: &[String]) -> f64 {
    let mut sizes: HashMap<&str, (f64, f64)> = HashMap::new();
    for (&kind, cluster) in types.iter().zip(clusters) {
        let size = sizes.entry(cluster).or_default();
        size.0 += 1.0;
        size.1 += f64::from(u8::from(kind == wanted));
    }
    let of_type = types.iter().filter(|&&kind| kind == wanted).count() as f64;
    let f1 = |&(all, shared): &(f64, f64)| 2.0 * shared / (all + of_type);
    sizes.values().map(f1).fold(0.0, f64::max)
}

#[test]
fn a_type_of_one_batch_stays_a_cluster_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (counts, types, batches) = cells_of_two_batches();
    write(&folder.path().join("two.h5ad"), &counts, &types, &batches);
    let run = |name: &str, more: &[&str]| -> Vec<String> {
        Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
            .current_dir(folder.path())
            .args(["-name", "./two.h5ad", "-output_name", name])
            .args(more)
            .assert()
            .code(0);
        let path = folder.path().join(format!("pred_label/{name}.csv"));
        let text = fs::read_to_string(path).expect("labels");
        let cluster = |line: &str| line.split(',').nth(1).map(str::to_owned);
        text.lines()
            .skip(1)
            .map(|line| cluster(line).expect("a label"))
            .collect()
    };
    // Without the option the batches part the types.
    let apart = run("apart", &[]);
    let lost = (0..3)
        .filter(|&kind| best_f1(kind, &types, &apart) < 0.8)
        .count();
    assert!(lost > 0, "the batches do not differ enough for a test");
    for more in [&[][..], &["-n_pcs", "20"]] {
        let options = [&["-batch_key", "donor"], more].concat();
        let together = run("together", &options);
        for kind in 0..4 {
            let f1 = best_f1(kind, &types, &together);
            assert!(f1 > 0.95, "type {kind}, {more:?}: {f1}");
        }
    }
}

#[test]
fn batches_are_said_to_stay_apart_where_the_views_are_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let (counts, types, batches) = cells_of_two_batches();
    write(&folder.path().join("two.h5ad"), &counts, &types, &batches);
    let notes = [
        "note: batches are not brought together",
        "-batch_key donor brings them together",
        "brings them together in a run that uses the views",
    ];
    let (published, by_donor) = (["-preset", "published"], ["-batch_key", "donor"]);
    for (options, expected) in [
        (&[][..], [false, true, false]),
        (&by_donor[..], [false; 3]),
        (&published[..], [false, true, true]),
        (&[published, by_donor].concat(), [true; 3]),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
            .current_dir(folder.path())
            .args(["-name", "./two.h5ad", "-overwrite", "True"])
            .args(["-training_epoch", "20", "-clustering_epoch", "0"])
            .args(options)
            .assert()
            .code(0);
        let said = String::from_utf8_lossy(&run.get_output().stderr);
        let found = notes.map(|note| said.contains(note));
        assert_eq!(found, expected, "{options:?}: {said}");
    }
}

#[test]
fn any_number_of_components_is_brought_together() {
    let counts = simulate::counts(300, 120, 0.3, 2);
    let name = |cell: usize| Some(format!("b{}", cell % 3));
    let names: Vec<_> = (0..300).map(name).collect();
    let batches = Batches::of(&names);
    let prepared = prepare_in_batches(&counts, 100, Flavor::Seurat, Some(&batches))
        .expect("cells with counts");
    let cells: Vec<usize> = (0..200).collect();
    let seen = CellComponents::find(&prepared, &cells, 8, 1).expect("components");
    let view = Transformation::LogNormalized;
    let (same, components) = scores_together(&prepared, &cells, 50, 1).expect("components");
    assert_eq!(same.dim(), seen.each[view as usize].dim());
    assert_ne!(same, components.scores(&prepared));
    let (fewer, _) = scores_together(&prepared, &cells, 10, 1).expect("components");
    assert_eq!(fewer.dim(), (300, 10));
}
