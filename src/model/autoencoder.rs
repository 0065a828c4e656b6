//! The attention autoencoder: a denoising autoencoder and a graph autoencoder, fused by attention.

use tch::{Device, Tensor, kind::FLOAT_CPU};

use super::{
    ModelConfig, Parts, WIDTH_1, WIDTH_2,
    attention::{CrossAttention, KeysValues},
    decoder::Decoder,
    graph_conv::{GraphConv, GraphOperator},
    layers::{BatchNorm, Linear, NormStatistics},
    pass::Pass,
};
use crate::seed::{Stream, stream};

/// All layers of the model; fields carry the published parameter names.
#[derive(Debug)]
pub struct Autoencoder {
    parts: Parts,
    /// genes → 256.
    pub enc_1: Linear,
    /// After `enc_1`.
    pub bn_1: BatchNorm,
    /// 256 → 64.
    pub enc_2: Linear,
    /// After `enc_2`.
    pub bn_2: BatchNorm,
    /// 64 → d.
    pub z_layer: Linear,
    /// d → counts.
    pub decoder: Decoder,
    /// 256 → 64 along the graph.
    pub gnn_1: GraphConv,
    /// 64 → d along the graph.
    pub gnn_2: GraphConv,
    /// At the 64-wide layer.
    pub attn1: CrossAttention,
    /// At the embedding.
    pub attn2: CrossAttention,
}

/// The two encoders' results for a set of cells.
#[derive(Debug)]
pub struct Encoded {
    /// Embedding, n × d.
    pub z: Tensor,
    /// Graph branch's embedding, n × d; σ(g2·g2ᵀ) reconstructs the graph.
    pub g2: Tensor,
}

impl Autoencoder {
    /// A model of `n_genes` inputs with the initial weights of `seed`, on `device`.
    #[must_use]
    pub fn new(n_genes: usize, config: &ModelConfig, seed: u64, device: Device) -> Self {
        let rng = &mut stream(seed, Stream::Weights);
        let d = config.n_z;
        let mut model = Self {
            parts: config.parts,
            enc_1: Linear::new(n_genes, WIDTH_1, rng),
            bn_1: BatchNorm::new(WIDTH_1),
            enc_2: Linear::new(WIDTH_1, WIDTH_2, rng),
            bn_2: BatchNorm::new(WIDTH_2),
            z_layer: Linear::new(WIDTH_2, d, rng),
            decoder: Decoder::new(n_genes, d, rng),
            gnn_1: GraphConv::new(WIDTH_1, WIDTH_2, rng),
            gnn_2: GraphConv::new(WIDTH_2, d, rng),
            attn1: CrossAttention::new(WIDTH_2, config.n_heads, rng),
            attn2: CrossAttention::new(d, config.n_heads, rng),
        };
        if config.parts.residual {
            model.z_layer = Linear::zeros(WIDTH_2, d);
            model.attn1.gate = Some(Tensor::zeros([1], FLOAT_CPU));
            model.attn2.gate = Some(Tensor::zeros([1], FLOAT_CPU));
        }
        for parameter in model.parameters_mut() {
            *parameter.tensor = parameter.tensor.to_device(device);
            if parameter.trained {
                *parameter.tensor = parameter.tensor.set_requires_grad(true);
            }
        }
        model
    }

    /// What this network is made of.
    #[must_use]
    pub fn parts(&self) -> Parts {
        self.parts
    }

    /// Makes the running statistics those of these cells without noise.
    ///
    /// They are averages over the last training epochs, and the weights that these saw have moved on since.
    pub fn settle_statistics(&self, x: &Tensor) {
        let mut pass = Pass {
            statistics: NormStatistics::Settle,
            ..Pass::embedding()
        };
        tch::no_grad(|| {
            let e1 = self.first_layer(x, &mut pass);
            let _ = self.second_layer(&e1, &mut pass);
        });
    }

    /// Encodes the cells of a graph: `x` is n × genes (z-scores), `graph` their n × n weights, `base` what their embedding
    /// starts from, n × d, where the model has a residual part.
    #[must_use]
    pub fn encode(
        &self,
        x: &Tensor,
        base: Option<&Tensor>,
        graph: &GraphOperator,
        pass: &mut Pass,
    ) -> Encoded {
        pass.tape.clear();
        let e1 = self.first_layer(x, pass);
        let e1 = pass.tape.knot(&e1);
        let g1 = graph.gather(&self.gnn_1.message(&e1), &mut pass.tape);
        let g2 = graph.gather(&self.gnn_2.message(&g1), &mut pass.tape);
        let e2 = self.second_layer(&e1, pass);
        let e2 = pass.tape.knot(&e2);
        let e2 = self.add_attended(&self.attn1, None, &e2, &g1, pass);
        let noisy = pass.noise.corrupt(&e2, &mut pass.tape);
        let z = self.z_layer.forward_joined(&noisy, &mut pass.tape);
        let z = pass.tape.knot(&self.start_at(z, base));
        let z = self.add_attended(&self.attn2, None, &z, &g2, pass);
        Encoded {
            z: pass.tape.knot(&z),
            g2,
        }
    }

    /// What the embedding starts from added to what the encoder makes.
    pub(super) fn start_at(&self, z: Tensor, base: Option<&Tensor>) -> Tensor {
        match base.filter(|_| self.parts.residual) {
            Some(base) => base + z,
            None => z,
        }
    }

    /// Cells (m × width) with what they gather added: from others, or from each other. Queries come from the graph branch, or,
    /// without it, from the cells themselves.
    pub(super) fn add_attended(
        &self,
        attention: &CrossAttention,
        others: Option<&KeysValues>,
        cells: &Tensor,
        graph_branch: &Tensor,
        pass: &mut Pass,
    ) -> Tensor {
        let queries = match self.parts {
            Parts {
                attention: false, ..
            } => return cells.shallow_clone(),
            Parts { graph: true, .. } => graph_branch,
            Parts { graph: false, .. } => cells,
        };
        cells
            + match others {
                Some(others) => attention.from_others(others, queries),
                None => attention.among(cells, queries, pass),
            }
    }

    /// e1: n × genes → n × 256.
    pub(super) fn first_layer(&self, x: &Tensor, pass: &mut Pass) -> Tensor {
        let noisy = pass.noise.corrupt(x, &mut pass.tape);
        let hidden = self.enc_1.forward_wide(&noisy, &mut pass.tape);
        self.bn_1
            .after_relu(&hidden, pass.statistics, &mut pass.tape)
    }

    /// e2 before attention: n × 256 → n × 64.
    pub(super) fn second_layer(&self, e1: &Tensor, pass: &mut Pass) -> Tensor {
        let noisy = pass.noise.corrupt(e1, &mut pass.tape);
        let hidden = self.enc_2.forward_joined(&noisy, &mut pass.tape);
        self.bn_2
            .after_relu(&hidden, pass.statistics, &mut pass.tape)
    }
}
