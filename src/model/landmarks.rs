//! Embedding of cells against reference cells: they attend to, and have graph weights to, these only.

use tch::Tensor;

use super::{
    attention::KeysValues, autoencoder::Autoencoder, graph_conv::GraphOperator, pass::Pass,
};

/// What other cells need of the reference cells; memory grows with these alone.
#[derive(Debug)]
pub struct Landmarks {
    /// What the rest follows from.
    pub states: LandmarkStates,
    attended_1: KeysValues,
    attended_2: KeysValues,
}

/// The reference cells at the layers where other cells gather from them, a row for each.
#[derive(Debug)]
pub struct LandmarkStates {
    /// What they pass on in the first graph convolution, n × 64.
    pub message_1: Tensor,
    /// The same in the second, n × d.
    pub message_2: Tensor,
    /// The second layer before attention, n × 64.
    pub hidden: Tensor,
    /// The embedding before attention, n × d.
    pub start: Tensor,
}

impl LandmarkStates {
    /// The same tensors, not copies of them.
    #[must_use]
    pub fn handles(&self) -> Self {
        Self {
            message_1: self.message_1.shallow_clone(),
            message_2: self.message_2.shallow_clone(),
            hidden: self.hidden.shallow_clone(),
            start: self.start.shallow_clone(),
        }
    }
}

/// Cells as the model sees them.
#[derive(Debug)]
pub struct CellInputs {
    /// z-scores, n × genes.
    pub x: Tensor,
    /// What the embedding starts from, n × d, where the model has a residual part.
    pub base: Option<Tensor>,
}

impl Autoencoder {
    /// Embeds the reference cells (`graph` are their n × n weights), and keeps what others need of them.
    #[must_use]
    pub fn embed_reference(
        &self,
        cells: &CellInputs,
        graph: &GraphOperator,
    ) -> (Tensor, Landmarks) {
        let pass = &mut Pass::embedding();
        let e1 = self.first_layer(&cells.x, pass);
        let message_1 = self.gnn_1.message(&e1);
        let g1 = graph.gather(&message_1, &mut pass.tape);
        let message_2 = self.gnn_2.message(&g1);
        let hidden = self.second_layer(&e1, pass);
        let e2 = self.add_attended(&self.attn1, None, &hidden, &g1, pass);
        let z = self.start_at(self.z_layer.forward(&e2), cells.base.as_ref());
        let landmarks = self.landmarks(LandmarkStates {
            message_1,
            message_2,
            hidden,
            start: z,
        });
        (self.embed(cells, graph, &landmarks), landmarks)
    }

    /// What other cells need of reference cells whose states are known.
    #[must_use]
    pub fn landmarks(&self, states: LandmarkStates) -> Landmarks {
        Landmarks {
            attended_1: self.attn1.keys_values(&states.hidden),
            attended_2: self.attn2.keys_values(&states.start),
            states,
        }
    }

    /// Embeds any cells; `bridge` are their m × n weights to the reference cells. Returns m × d.
    #[must_use]
    pub fn embed(
        &self,
        cells: &CellInputs,
        bridge: &GraphOperator,
        landmarks: &Landmarks,
    ) -> Tensor {
        let pass = &mut Pass::embedding();
        let g1 = bridge.gather(&landmarks.states.message_1, &mut pass.tape);
        let g2 = bridge.gather(&landmarks.states.message_2, &mut pass.tape);
        let e2 = self.second_layer(&self.first_layer(&cells.x, pass), pass);
        let e2 = self.add_attended(&self.attn1, Some(&landmarks.attended_1), &e2, &g1, pass);
        let z = self.start_at(self.z_layer.forward(&e2), cells.base.as_ref());
        self.add_attended(&self.attn2, Some(&landmarks.attended_2), &z, &g2, pass)
    }
}
