//! Embedding of cells outside the training sample: they attend to, and have graph weights to, the sample only.

use tch::Tensor;

use super::{
    attention::KeysValues,
    autoencoder::{Autoencoder, Pass},
    graph_conv::GraphOperator,
};

/// What other cells need of the sampled ones; memory grows with the sample alone.
#[derive(Debug)]
pub struct Landmarks {
    message_1: Tensor,
    message_2: Tensor,
    attended_1: KeysValues,
    attended_2: KeysValues,
}

impl Autoencoder {
    /// Embeds the sampled cells (n × genes z-scores, n × n weights), and keeps what others need of them.
    #[must_use]
    pub fn embed_sample(&self, x: &Tensor, graph: &GraphOperator) -> (Tensor, Landmarks) {
        let pass = &mut Pass::embedding();
        let e1 = self.first_layer(x, pass);
        let message_1 = self.gnn_1.message(&e1);
        let g1 = graph.gather(&message_1);
        let message_2 = self.gnn_2.message(&g1);
        let e2 = self.second_layer(&e1, pass);
        let attended_1 = self.attn1.keys_values(&e2);
        let e2 = &e2 + self.attn1.forward(&attended_1, &g1, &mut pass.noise);
        let attended_2 = self.attn2.keys_values(&self.z_layer.forward(&e2));
        let landmarks = Landmarks {
            message_1,
            message_2,
            attended_1,
            attended_2,
        };
        (self.embed(x, graph, &landmarks), landmarks)
    }

    /// Embeds any cells: `x` is m × genes, `bridge` their m × n weights to the sampled cells. Returns m × d.
    #[must_use]
    pub fn embed(&self, x: &Tensor, bridge: &GraphOperator, landmarks: &Landmarks) -> Tensor {
        let pass = &mut Pass::embedding();
        let g1 = bridge.gather(&landmarks.message_1);
        let g2 = bridge.gather(&landmarks.message_2);
        let e2 = self.second_layer(&self.first_layer(x, pass), pass);
        let e2 = &e2
            + self
                .attn1
                .forward(&landmarks.attended_1, &g1, &mut pass.noise);
        let z = self.z_layer.forward(&e2);
        &z + self
            .attn2
            .forward(&landmarks.attended_2, &g2, &mut pass.noise)
    }
}
