//! Embedding of cells against reference cells: they attend to, and have graph weights to, these only.

use tch::Tensor;

use super::{
    attention::KeysValues,
    autoencoder::{Autoencoder, Pass},
    graph_conv::GraphOperator,
};

/// What other cells need of the reference cells; memory grows with these alone.
#[derive(Debug)]
pub struct Landmarks {
    message_1: Tensor,
    message_2: Tensor,
    attended_1: KeysValues,
    attended_2: KeysValues,
}

impl Autoencoder {
    /// Embeds the reference cells (n × genes z-scores, n × n weights), and keeps what others need of them.
    #[must_use]
    pub fn embed_reference(
        &self,
        x: &Tensor,
        graph: &GraphOperator,
        pass: &mut Pass,
    ) -> (Tensor, Landmarks) {
        let e1 = self.first_layer(x, pass);
        let message_1 = self.gnn_1.message(&e1);
        let g1 = graph.gather(&message_1, &mut pass.tape);
        let message_2 = self.gnn_2.message(&g1);
        let e2 = self.second_layer(&e1, pass);
        let attended_1 = self.attn1.keys_values(&e2);
        let e2 = &e2 + self.attn1.forward(&attended_1, &g1, pass);
        let attended_2 = self.attn2.keys_values(&self.z_layer.forward(&e2));
        let landmarks = Landmarks {
            message_1,
            message_2,
            attended_1,
            attended_2,
        };
        (self.embed(x, graph, &landmarks, pass), landmarks)
    }

    /// Embeds any cells: `x` is m × genes, `bridge` their m × n weights to the reference cells. Returns m × d.
    #[must_use]
    pub fn embed(
        &self,
        x: &Tensor,
        bridge: &GraphOperator,
        landmarks: &Landmarks,
        pass: &mut Pass,
    ) -> Tensor {
        let g1 = bridge.gather(&landmarks.message_1, &mut pass.tape);
        let g2 = bridge.gather(&landmarks.message_2, &mut pass.tape);
        let e2 = self.second_layer(&self.first_layer(x, pass), pass);
        let e2 = &e2 + self.attn1.forward(&landmarks.attended_1, &g1, pass);
        let z = self.z_layer.forward(&e2);
        &z + self.attn2.forward(&landmarks.attended_2, &g2, pass)
    }
}
