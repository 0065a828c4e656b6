//! The plain formulation of a training epoch: attention weights, likelihoods and reconstructed graph whole, each as
//! its formula says, in the same libtorch operations and differentiated by libtorch.

use attentionae_sc::{
    graph::{Adjacency, CellGraph, GraphConfig, Method, Pairs, Representation},
    kernels::{Kernels, Tape, gpu::Gpu, tensor::from_array},
    model::{
        ModelConfig, Parts, attention::CrossAttention, autoencoder::Autoencoder, layers::BatchNorm,
    },
    preprocess::Prepared,
};
use tch::{COptimizer, Device, Kind, Tensor};

const TINY: f64 = 1e-6;
const SHAPE: ModelConfig = ModelConfig {
    n_z: 16,
    n_heads: 8,
    parts: Parts::PUBLISHED,
};
const GRAPH: GraphConfig = GraphConfig::published(Method::Gauss, false, 15);

/// A model and its data, dense.
pub struct Plain {
    model: Autoencoder,
    optimiser: COptimizer,
    parameters: Vec<Tensor>,
    x: Tensor,
    counts: Tensor,
    size_factors: Tensor,
    weights: Tensor,
    distances: Tensor,
}

impl Plain {
    /// The program's own initial state on all prepared cells.
    pub fn new(prepared: &Prepared) -> Self {
        let cells: Vec<usize> = (0..prepared.n_cells()).collect();
        let features = Representation::Expression.of(prepared, &cells);
        let graph = CellGraph::build(features.view(), &GRAPH).expect("a graph");
        let Pairs::Stored {
            connectivities: Adjacency::Dense(weights),
            target: Adjacency::Dense(distances),
        } = graph.pairs
        else {
            panic!("a small graph is stored");
        };
        let mut model = Autoencoder::new(prepared.n_genes(), &SHAPE, 1, Device::Cpu);
        let parameters = model.trained(|_| true);
        let mut optimiser = COptimizer::adam(1e-3, 0.9, 0.999, 0.0, 1e-8, false).expect("Adam");
        for parameter in &parameters {
            optimiser.add_parameters(parameter, 0).expect("a parameter");
        }
        Self {
            model,
            optimiser,
            parameters,
            x: dense(prepared.zscores(&cells).view()),
            counts: dense(prepared.counts_of(&cells).to_dense().view()),
            size_factors: Tensor::from_slice(&prepared.size_factors).view([-1, 1]),
            weights: dense(weights.view()),
            distances: dense(distances.view()),
        }
    }

    /// One epoch of pretraining; its ZINB loss.
    pub fn epoch(&mut self) -> f64 {
        let (z, reconstructed) = self.encode();
        let zinb = self.zinb(&z);
        let graph = (reconstructed - &self.distances).square().mean(Kind::Float);
        self.optimiser.zero_grad().expect("gradients");
        (&zinb + graph * 0.1).backward();
        tch::no_grad(|| self.clip());
        self.optimiser.step().expect("a step");
        zinb.double_value(&[])
    }

    fn encode(&self) -> (Tensor, Tensor) {
        let model = &self.model;
        let e1 = after_relu(&model.bn_1, &model.enc_1.forward(&corrupt(&self.x)));
        let g1 = self.weights.matmul(&e1.matmul(&model.gnn_1.weight)).tanh();
        let g2 = self.weights.matmul(&g1.matmul(&model.gnn_2.weight)).tanh();
        let e2 = after_relu(&model.bn_2, &model.enc_2.forward(&corrupt(&e1)));
        let e2 = &e2 + attend(&model.attn1, &e2, &g1);
        let z = model.z_layer.forward(&corrupt(&e2));
        let z = &z + attend(&model.attn2, &z, &g2);
        (z, g2.matmul(&g2.tr()).sigmoid())
    }

    fn zinb(&self, z: &Tensor) -> Tensor {
        let decoder = &self.model.decoder;
        let hidden = decoder.dec_1.forward(z).relu();
        let hidden = decoder.dec_2.forward(&hidden).relu();
        let y = &self.counts;
        let pi = decoder.calcu_pi.forward(&hidden).sigmoid();
        let theta = decoder
            .calcu_disp
            .forward(&hidden)
            .softplus()
            .clamp(1e-4, 1e3);
        let mu = decoder.calcu_mean.forward(&hidden).exp().clamp(1e-5, 1e4) * &self.size_factors;
        let total: Tensor = &theta + &mu + TINY;
        let nb: Tensor = (&theta + TINY).lgamma() + (y + 1.0).lgamma()
            - (y + &theta + TINY).lgamma()
            + (y + &theta) * total.log()
            - &theta * (&theta + TINY).log()
            - y * (&mu + TINY).log();
        let zero = (&theta / &total).pow(&theta);
        let absent: Tensor = 1.0 - &pi;
        let at_zero: Tensor = -(&pi + &absent * zero + TINY).log();
        let elsewhere = nb - (absent + TINY).log();
        at_zero.where_self(&y.eq(0.0), &elsewhere).mean(Kind::Float)
    }

    fn clip(&self) {
        let gradients: Vec<Tensor> = self.parameters.iter().map(Tensor::grad).collect();
        let norm = |g: &Tensor| g.square().sum(Kind::Float).double_value(&[]);
        let norm = gradients.iter().map(norm).sum::<f64>().sqrt();
        if norm > 3.0 {
            for mut gradient in gradients {
                let _ = gradient.g_mul_scalar_(3.0 / (norm + TINY));
            }
        }
    }
}

/// max(x, 0), normalised by its own means and variances.
fn after_relu(norm: &BatchNorm, x: &Tensor) -> Tensor {
    let scale_and_shift = [&norm.weight, &norm.bias];
    Gpu.relu_norm(x, scale_and_shift, &mut Tape::off()).output
}

fn attend(attention: &CrossAttention, source: &Tensor, query_from: &Tensor) -> Tensor {
    let n = source.size()[0];
    let by_head = |x: Tensor| x.view([n, SHAPE.n_heads as i64, -1]).transpose(0, 1);
    let q = by_head(attention.toqueries.forward(query_from).dropout(0.2, true));
    let k = by_head(attention.tokeys.forward(source));
    let v = by_head(attention.tovalues.forward(source));
    let width = q.size()[2] as f64;
    let weights = (q.matmul(&k.transpose(1, 2)) / width.sqrt()).softmax(-1, Kind::Float);
    let gathered = weights.matmul(&v).transpose(0, 1).reshape([n, -1]);
    attention.unifyheads.forward(&gathered)
}

fn corrupt(x: &Tensor) -> Tensor {
    x + x.randn_like() * 0.1 * x.detach()
}

fn dense(matrix: ndarray::ArrayView2<f32>) -> Tensor {
    from_array(matrix, Device::Cpu)
}
