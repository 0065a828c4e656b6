//! Findings made by hand, of any number of cells, with names that try to break out of the page.

use std::path::{Path, PathBuf};

use attentionae_sc::{
    config::RunConfig,
    counts::Csr,
    h5ad::Column,
    markers::find_markers,
    memory::StageLog,
    metrics::{Apartness, Scores, Truth},
    partition::{Evidence, Found, GeneOfSplit, Node, Tree},
    preprocess::{LeftOut, Prepared, prepare},
    progress::{Curve, Said},
    read::{DataSet, Format, Input, Obs},
    report::{ReportedRun, write_report},
    write::Findings,
};
use ndarray::Array2;
use tch::Device;

pub const N_GENES: usize = 60;

/// Text that would run or load something if it were not escaped.
pub const HOSTILE: [&str; 4] = [
    "<script>document.title='broken'</script>",
    "</script><script>document.title='broken'</script>",
    "\"><img src=x onerror=\"document.title='broken'\">",
    "'-->{{ page }}<style>body{display:none}</style>",
];

/// What a simulated report is to be like.
pub struct Simulated {
    pub n_cells: usize,
    pub n_clusters: usize,
    /// Whether there are a tree and true labels.
    pub is_full: bool,
}

impl Simulated {
    /// Writes the report.
    pub fn write(&self, path: &Path) {
        let labels = self.labels();
        let input = self.input(&labels);
        let counts = counts(&labels);
        let prepared = prepare(&counts, N_GENES).expect("counts that vary");
        let config = config();
        let markers = find_markers(&counts, &prepared, &labels, 10).expect("markers");
        let z = places(&labels, 4);
        let truth = input
            .truth
            .as_ref()
            .map(|truth| Truth::of_cells(truth, &prepared.cells));
        let found = Findings {
            scores: Scores {
                asw: Some(0.5),
                ari: truth.as_ref().map(|_| 1.0),
                ..Scores::default()
            },
            config: &config,
            device: Device::Cpu,
            left_out: LeftOut::default(),
            training_cells: &prepared.cells,
            mixing: None,
            neighbors_recall: 1.0,
            apartness: Apartness {
                before_training: None,
                after_training: Some(0.5),
            },
            markers: Some(markers),
            types: self.is_full.then(|| self.tree(&labels)),
            input: &input,
            prepared: &prepared,
            z,
            layout: None,
            labels: labels.clone(),
            truth,
        };
        let names = input.data.cell_names.clone();
        let layout = places(&labels, 2);
        let run = ReportedRun {
            found: &found,
            names: &names,
            layout: layout.view(),
            said: &said(),
            log: &StageLog::start(),
        };
        write_report(path, &run).expect("written");
    }

    /// Clusters by decreasing size: each has half of the cells that are left, but at least five.
    pub fn labels(&self) -> Vec<usize> {
        let mut labels = Vec::with_capacity(self.n_cells);
        for cluster in 0..self.n_clusters {
            let left = self.n_cells - labels.len();
            let after = 5 * (self.n_clusters - cluster - 1);
            let size = if after == 0 {
                left
            } else {
                (left / 2).max(5).min(left - after)
            };
            labels.extend(std::iter::repeat_n(cluster, size));
        }
        labels
    }

    fn input(&self, labels: &[usize]) -> Input {
        let hostile = |i: usize| HOSTILE[i % HOSTILE.len()];
        let type_of = |&label: &usize| Some(format!("{} {label}", hostile(label)));
        let batches = (0..self.n_cells).map(|cell| Some(format!("{}{}", hostile(cell), cell % 3)));
        let columns = vec![
            (
                HOSTILE[1].to_owned(),
                Column::Categorical(batches.collect()),
            ),
            (
                "all different".to_owned(),
                Column::Whole((0..self.n_cells as i64).collect()),
            ),
        ];
        Input {
            data: DataSet {
                notes: Vec::new(),
                format: Format::Table,
                counts: Box::new(counts(labels)),
                cell_names: (0..self.n_cells)
                    .map(|cell| format!("{} {cell}", hostile(cell)))
                    .collect(),
                gene_names: (0..N_GENES)
                    .map(|gene| format!("{}{gene}", hostile(gene)))
                    .collect(),
                obs: Obs::Memory {
                    path: PathBuf::from("x"),
                    columns,
                },
                var: Vec::new(),
            },
            truth: self.is_full.then(|| labels.iter().map(type_of).collect()),
            obs_columns: vec![HOSTILE[1].to_owned()],
            earlier_results: Vec::new(),
        }
    }

    /// Two leaves in every cluster, and clusters merged one after the other, the smallest first.
    fn tree(&self, labels: &[usize]) -> Found {
        let n_leaves = 2 * self.n_clusters;
        let mut nodes = vec![Node::default(); n_leaves];
        let join = |nodes: &mut Vec<Node>, children: [usize; 2], height: f64| {
            let node = nodes.len();
            for child in children {
                nodes[child].parent = Some(node);
            }
            nodes.push(split(children, height));
            node
        };
        let pairs: Vec<usize> = (0..self.n_clusters)
            .map(|cluster| {
                join(
                    &mut nodes,
                    [2 * cluster, 2 * cluster + 1],
                    -0.1 * cluster as f64,
                )
            })
            .collect();
        let mut open = pairs[self.n_clusters - 1];
        for (rank, &pair) in pairs[..self.n_clusters - 1].iter().rev().enumerate() {
            open = join(&mut nodes, [open, pair], 1.0 + rank as f64);
        }
        assert_eq!(open, nodes.len() - 1);
        let leaves: Vec<usize> = labels
            .iter()
            .enumerate()
            .map(|(cell, label)| 2 * label + cell % 2)
            .collect();
        Found {
            labels: labels.to_vec(),
            fine: leaves.clone(),
            confidence: vec![0.75; labels.len()],
            leaves,
            tree: Tree { nodes },
            cluster_of_leaf: (0..n_leaves).map(|leaf| leaf / 2).collect(),
            enough: 0.0,
        }
    }
}

fn split(children: [usize; 2], height: f64) -> Node {
    let gene = |gene| GeneOfSplit {
        gene,
        share: 0.9,
        share_other: 0.1,
        fold: 1.0,
        auc: 0.9,
    };
    Node {
        children: Some(children),
        height,
        evidence: Some(Evidence {
            strength: height,
            edges: 3.0,
            edges_between: 0.02,
            detection: 0.5,
            fold: 1.0,
        }),
        stability: Some(0.95),
        n_genes: [3, 4],
        genes: [vec![gene(0), gene(1)], vec![gene(2)]],
        ..Node::default()
    }
}

fn config() -> RunConfig {
    let options = ["-name", "data.h5ad", "-save_report", "-seed", "3"];
    let mut config = RunConfig::from_options(options).expect("options of a run");
    HOSTILE[0].clone_into(&mut config.name);
    config
}

/// A few genes in every cell, those of its cluster strongly.
fn counts(labels: &[usize]) -> Csr {
    let mut offsets = vec![0];
    let (mut genes, mut values) = (Vec::new(), Vec::new());
    for (cell, &label) in labels.iter().enumerate() {
        for gene in 0..N_GENES {
            let noise = (cell * 31 + gene * 17 + cell * gene) % 7;
            let count = if gene % 20 == label % 20 {
                5 + noise
            } else {
                noise / 5
            };
            if count > 0 {
                genes.push(gene as u32);
                values.push(count as f32);
            }
        }
        offsets.push(genes.len());
    }
    Csr::new((labels.len(), N_GENES), offsets, genes, values)
}

/// Every cluster around a place of its own on a circle.
fn places(labels: &[usize], n_dims: usize) -> Array2<f32> {
    Array2::from_shape_fn((labels.len(), n_dims), |(cell, axis)| {
        let angle = labels[cell] as f32
            + if axis % 2 == 0 {
                0.0
            } else {
                std::f32::consts::FRAC_PI_2
            };
        let step = (cell * (axis + 3) * 7919) % 1000;
        10.0 * angle.sin() + step as f32 / 300.0
    })
}

fn said() -> Said {
    let steps: Vec<usize> = (1..=100).collect();
    let falling = steps.iter().map(|&step| 1.0 / step as f64).collect();
    Said {
        notes: vec![HOSTILE[2].to_owned()],
        curves: vec![Curve {
            phase: HOSTILE[0].to_owned(),
            unit: "step",
            epochs: steps,
            losses: vec![("ZINB".to_owned(), falling)],
        }],
    }
}

/// The prepared cells are all cells: every one has counts.
#[test]
fn simulated_cells_have_counts() {
    let labels = Simulated {
        n_cells: 500,
        n_clusters: 6,
        is_full: true,
    }
    .labels();
    let prepared: Prepared = prepare(&counts(&labels), N_GENES).expect("counts that vary");
    assert_eq!(prepared.n_cells(), 500);
    assert_eq!(labels.iter().filter(|&&label| label == 0).count(), 250);
}
