//! The model, its losses and its gradients against the reference implementation's values.

mod common;

use std::{borrow::Cow, sync::Arc};

use attentionae_sc::{
    graph::{Adjacency, GaussKernel},
    kernels::{
        CountTarget, GraphTarget, OutputLayers, Tape,
        device::gpu,
        gpu::gauss::GaussTensors,
        graph_target::GpuTarget,
        tensor::{from_array, values},
    },
    model::{
        ModelConfig, Parts, autoencoder::Autoencoder, graph_conv::GraphOperator,
        graph_loss::graph_loss, layers::NormStatistics, noise::Noise, pass::Pass,
        reconstruction::zinb_loss,
    },
    train::{
        assignment::{assign, cluster_loss},
        training_batch::TrainingBatch,
    },
};
use common::{golden, skip::skip};
use ndarray::ArrayView2;
use sprs::{CsMatI, TriMatI};
use tch::{Device, Tensor};

const SHAPE: ModelConfig = ModelConfig {
    n_z: 16,
    n_heads: 8,
    parts: Parts::PUBLISHED,
};

/// The CPU, and the GPU where there is one.
fn devices() -> Vec<Device> {
    match gpu() {
        Ok(gpu) => vec![Device::Cpu, gpu],
        Err(reason) => {
            skip(&format!("on a GPU: {reason}"));
            vec![Device::Cpu]
        }
    }
}

/// The golden model, with its fixed weights.
fn golden_model(n_genes: usize, device: Device) -> Autoencoder {
    let mut model = Autoencoder::new(n_genes, &SHAPE, 1, device);
    tch::no_grad(|| {
        for parameter in model.parameters_mut() {
            let path = format!("weights/{}", parameter.name);
            let values = golden::tensor(&path);
            assert_eq!(values.size(), parameter.tensor.size(), "{path}");
            parameter.tensor.copy_(&values);
        }
    });
    model
}

/// Norm of the difference over norm of the expected values.
fn relative_error(found: &Tensor, expected: &Tensor) -> f64 {
    let found = found.to_device(Device::Cpu);
    let norm = |t: &Tensor| t.to_kind(tch::Kind::Double).norm().double_value(&[]);
    norm(&(found - expected)) / norm(expected).max(1e-12)
}

#[track_caller]
fn assert_relative(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    let error = relative_error(found, expected);
    println!("{what}: {error:.2e}");
    assert!(error < tolerance, "{what}: relative error {error:.2e}");
}

fn sparse(counts: ArrayView2<f32>) -> CsMatI<f32, u32, usize> {
    let mut triplets = TriMatI::new(counts.dim());
    for ((i, j), &count) in counts.indexed_iter().filter(|(_, count)| **count != 0.0) {
        triplets.add_triplet(i, j, count);
    }
    triplets.to_csr()
}

/// Forward values, losses and gradients with noise and dropout off.
fn compare_with_golden(mode: &str, statistics: NormStatistics, device: Device) {
    let counts = golden::array2("prepare/counts");
    let mut model = golden_model(counts.ncols(), device);
    let x = from_array(golden::array2("prepare/zscore").view(), device);
    let weights = Adjacency::Dense(golden::array2("graph/gauss_dense/connectivities"));
    let distances = Adjacency::Dense(golden::array2("graph/gauss_dense/distances"));
    let distances = GraphTarget::stored(Cow::Owned(distances), device);
    let graph = GraphOperator::stored(&weights, device);
    let mut pass = Pass {
        statistics,
        noise: Noise::Off,
        tape: Tape::default(),
    };
    let encoded = model.encode(&x, None, &graph, &mut pass);
    let hidden = model.decoder.hidden(&encoded.z, None, &mut pass.tape);
    let adjacency = encoded.g2.matmul(&encoded.g2.tr()).sigmoid();
    compare_outputs(mode, &[("z", &encoded.z), ("adjacency", &adjacency)]);
    let [pi, mean, disp] = distribution(&model, &hidden);
    compare_outputs(mode, &[("pi", &pi), ("mean", &mean), ("disp", &disp)]);

    let size_factors = golden::array1("prepare/size_factors");
    let target = CountTarget::new(sparse(counts.view()), size_factors);
    let trained = OutputLayers::Trained;
    let zinb = zinb_loss(&hidden, &model.decoder, &target, trained, &mut pass.tape);
    let graph = graph_loss(&encoded.g2, &distances);
    compare_loss(mode, "zinb_loss", zinb.value);
    compare_loss(mode, "graph_loss", graph.value);

    let total: Tensor = zinb.surrogate + graph.surrogate * 0.1;
    pass.tape.backward(&total);
    for parameter in model.parameters_mut().into_iter().filter(|p| p.trained) {
        let path = format!("model/{mode}/grad/{}", parameter.name);
        let expected = golden::tensor(&path);
        assert_relative(&path, &parameter.tensor.grad(), &expected, 1e-3);
    }
}

#[test]
fn a_network_learns_nothing_of_parts_that_it_does_not_have() {
    let counts = golden::array2("prepare/counts");
    let device = Device::Cpu;
    let stored =
        |name: &str| Adjacency::Dense(golden::array2(&format!("graph/gauss_dense/{name}")));
    let batch = TrainingBatch {
        x: from_array(golden::array2("prepare/zscore").view(), device),
        base: None,
        graph: GraphOperator::stored(&stored("connectivities"), device),
        target: GraphTarget::stored(Cow::Owned(stored("distances")), device),
        batches: None,
        counts: CountTarget::new(
            sparse(counts.view()),
            golden::array1("prepare/size_factors"),
        ),
        contrast: None,
    };
    for (left_out, untouched) in [("zinb", ["calcu_", "dec_"]), ("graph", ["gnn_1", "gnn_2"])] {
        let mut parts = Parts::PUBLISHED;
        match left_out {
            "zinb" => parts.zinb = false,
            _ => parts.graph = false,
        }
        let mut model =
            Autoencoder::new(counts.ncols(), &ModelConfig { parts, ..SHAPE }, 1, device);
        let mut pass = Pass::training(1);
        let found = batch.reconstruct(&model, &mut pass, OutputLayers::Trained);
        assert_eq!(
            found.values().map(|loss| loss.is_some()),
            [parts.zinb, parts.graph]
        );
        let terms = [found.zinb, found.graph].into_iter().flatten();
        let loss = terms.map(|term| term.surrogate).reduce(|a, b| a + b);
        pass.tape.backward(&loss.expect("a network that learns"));
        let mut n_learnt = 0;
        for parameter in model.parameters_mut().into_iter().filter(|p| p.trained) {
            let is_learnt = parameter.tensor.grad().defined();
            let is_left_out = untouched
                .iter()
                .any(|name| parameter.name.starts_with(name));
            assert!(
                !(is_learnt && is_left_out),
                "{left_out}: {}",
                parameter.name
            );
            n_learnt += usize::from(is_learnt);
        }
        assert!(n_learnt > 0);
    }
}

/// π, mean at size factor 1 and dispersion of every count.
fn distribution(model: &Autoencoder, hidden: &Tensor) -> [Tensor; 3] {
    let decoder = &model.decoder;
    [
        decoder.calcu_pi.forward(hidden).sigmoid(),
        decoder.calcu_mean.forward(hidden).exp().clamp(1e-5, 1e4),
        decoder
            .calcu_disp
            .forward(hidden)
            .softplus()
            .clamp(1e-4, 1e3),
    ]
}

#[track_caller]
fn compare_outputs(mode: &str, outputs: &[(&str, &Tensor)]) {
    for (name, found) in outputs {
        let expected = golden::array2(&format!("model/{mode}/{name}"));
        let expected = from_array(expected.view(), Device::Cpu);
        assert_relative(name, found, &expected, 1e-3);
    }
}

#[track_caller]
fn compare_loss(mode: &str, name: &str, value: f64) {
    let expected = golden::scalar(&format!("model/{mode}/{name}"));
    println!("{name}: {value} {expected}");
    let error = (value / expected - 1.0).abs();
    assert!(error < 1e-5, "{name}: {value}, expected {expected}");
}

#[test]
fn forward_losses_and_gradients_equal_the_reference_with_batch_statistics() {
    for device in devices() {
        compare_with_golden("batch_statistics", NormStatistics::Batch, device);
    }
}

#[test]
fn forward_losses_and_gradients_equal_the_reference_with_running_statistics() {
    for device in devices() {
        compare_with_golden("running_statistics", NormStatistics::Running, device);
    }
}

#[test]
fn soft_assignment_and_its_gradients_equal_the_reference() {
    let matrix = |name: &str| from_array(golden::array2(name).view(), Device::Cpu);
    let z = matrix("model/running_statistics/z").set_requires_grad(true);
    let centers = matrix("cluster/centers").set_requires_grad(true);
    let assignment = assign(&z, &centers);
    let loss = cluster_loss(&assignment);
    loss.backward();
    assert!((loss.double_value(&[]) - golden::scalar("cluster/kl_loss")).abs() < 1e-5);
    for (name, found) in [
        ("q", assignment.q),
        ("p", assignment.p),
        ("grad_z", z.grad()),
        ("grad_centers", centers.grad()),
    ] {
        let error = (found - matrix(&format!("cluster/{name}")))
            .abs()
            .max()
            .double_value(&[]);
        println!("{name}: {error:.2e}");
        assert!(error < 1e-5, "{name}: {error:.2e}");
    }
}

#[test]
fn a_model_embeds_the_same_after_restoring_a_snapshot() {
    let mut model = Autoencoder::new(120, &SHAPE, 1, Device::Cpu);
    let x = from_array(golden::array2("prepare/zscore").view(), Device::Cpu);
    let weights = Adjacency::Dense(golden::array2("graph/gauss_dense/connectivities"));
    let graph = GraphOperator::stored(&weights, Device::Cpu);
    let embed = |model: &Autoencoder| model.encode(&x, None, &graph, &mut Pass::embedding()).z;
    let before = embed(&model);
    let kept = model.snapshot();
    let _ = model.encode(&x, None, &graph, &mut Pass::training(1));
    assert_ne!(
        values(&before),
        values(&embed(&model)),
        "running statistics move in training"
    );
    model.restore(&kept);
    assert_eq!(values(&before), values(&embed(&model)));
}

#[test]
fn fixed_weights_embed_the_same_on_every_device() {
    let counts = golden::array2("prepare/counts");
    let weights = Adjacency::Dense(golden::array2("graph/gauss_dense/connectivities"));
    let embed = |device: Device| {
        let x = from_array(golden::array2("prepare/zscore").view(), device);
        let graph = GraphOperator::stored(&weights, device);
        let model = golden_model(counts.ncols(), device);
        tch::no_grad(|| model.encode(&x, None, &graph, &mut Pass::embedding()).z)
    };
    let expected = embed(Device::Cpu);
    for device in devices() {
        assert_relative(&format!("z on {device:?}"), &embed(device), &expected, 1e-3);
    }
}

/// Embedding, graph loss and a gradient, for the golden cells' graph as it is given.
fn pass(graph: &GraphOperator, distances: &GraphTarget<'_>) -> (Tensor, f64, Tensor) {
    let mut model = golden_model(golden::array2("prepare/counts").ncols(), Device::Cpu);
    let x = from_array(golden::array2("prepare/zscore").view(), Device::Cpu);
    let mut pass = Pass {
        statistics: NormStatistics::Batch,
        tape: Tape::default(),
        ..Pass::embedding()
    };
    let encoded = model.encode(&x, None, graph, &mut pass);
    let loss = graph_loss(&encoded.g2, distances);
    pass.tape.backward(&loss.surrogate);
    let gradient = model.trained(|name| name == "gnn_1.weight")[0].grad();
    (encoded.z, loss.value, gradient)
}

#[test]
fn a_graph_that_is_computed_row_by_row_is_the_stored_one() {
    let features = golden::array2("prepare/lognorm");
    let kernel = Arc::new(GaussKernel::fit(features.view(), 15).expect("a kernel"));
    let (weights, distances) = kernel.rows(0..kernel.n_cells());
    let expected = pass(
        &GraphOperator::stored(&Adjacency::Dense(weights), Device::Cpu),
        &GraphTarget::stored(Cow::Owned(Adjacency::Dense(distances)), Device::Cpu),
    );
    let on_gpu = GaussTensors::new(&kernel, Device::Cpu);
    for (graph, distances) in [
        (
            GraphOperator::Computed(Arc::clone(&kernel)),
            GraphTarget::Computed(Arc::clone(&kernel)),
        ),
        (
            GraphOperator::ComputedOnGpu(on_gpu.clone()),
            GraphTarget::OnGpu(GpuTarget::Computed(on_gpu)),
        ),
    ] {
        let found = pass(&graph, &distances);
        assert_relative("z", &found.0, &expected.0, 1e-4);
        assert!((found.1 / expected.1 - 1.0).abs() < 1e-5);
        assert_relative("gradient", &found.2, &expected.2, 1e-3);
    }
}
