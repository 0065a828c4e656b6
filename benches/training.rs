//! One epoch of pretraining on the repository's data set, for growing numbers of cells, with the loss it reaches.

#![allow(missing_docs, reason = "criterion writes undocumented functions")]

use std::path::Path;

use attentionae_sc::{
    graph::{CellGraph, GraphConfig, Method, Representation},
    h5ad::H5ad,
    kernels::{CountTarget, GraphTarget, tensor::from_array},
    model::{ModelConfig, Parts, autoencoder::Autoencoder, graph_conv::GraphOperator, pass::Pass},
    preprocess::{prepare, sample_cells},
    seed::Stream,
    train::{
        TrainConfig, pretrain::pretrain, training_batch::TrainingBatch,
        training_cells::TrainingCells,
    },
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tch::Device;

const SHAPE: ModelConfig = ModelConfig {
    n_z: 16,
    n_heads: 8,
    parts: Parts::PUBLISHED,
};
const ONE_EPOCH: TrainConfig = TrainConfig {
    lr: 1e-3,
    training_epoch: 1,
    clustering_epoch: 0,
    zinb_genes: None,
    batch_size: None,
};
const GRAPH: GraphConfig = GraphConfig::published(Method::Gauss, false, 15);

fn epoch(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Data/AnnData/zeisel.h5ad");
    let counts = H5ad::open(&path)
        .and_then(|file| file.counts())
        .expect("the data set opens");
    let prepared = prepare(&counts, 2500).expect("the data set can be prepared");
    let mut group = criterion.benchmark_group("pretraining epoch");
    group.sample_size(10);
    for n_cells in [750, 1500, 3005] {
        let cells = sample_cells(prepared.n_cells(), n_cells, 1, Stream::Training);
        let features = Representation::Expression.of(&prepared, &cells);
        let graph = CellGraph::build(features.view(), &GRAPH).expect("a graph");
        let mut set = TrainingCells::Whole(Box::new(TrainingBatch {
            x: from_array(prepared.zscores(&cells).view(), Device::Cpu),
            graph: GraphOperator::of(&graph, Device::Cpu),
            target: GraphTarget::of(&graph, Device::Cpu),
            counts: CountTarget::new(prepared.counts_of(&cells), prepared.size_factors_of(&cells)),
            base: None,
            batches: None,
            contrast: None,
        }));
        let mut model = Autoencoder::new(prepared.n_genes(), &SHAPE, 1, Device::Cpu);
        let mut pass = Pass::training(1);
        let mut zinb = f64::NAN;
        group.bench_function(BenchmarkId::from_parameter(n_cells), |bencher| {
            bencher.iter(|| {
                pretrain(&mut model, &mut set, &ONE_EPOCH, &mut pass, |l| {
                    zinb = l.zinb.unwrap_or(f64::NAN);
                })
            });
        });
        println!("{n_cells} cells: ZINB {zinb:.4} after the epochs above");
    }
    group.finish();
}

criterion_group!(benches, epoch);
criterion_main!(benches);
