//! The model's parameters by their published names: to train, to keep, to save.

use tch::Tensor;

use super::{
    attention::CrossAttention,
    autoencoder::Autoencoder,
    layers::{BatchNorm, Linear},
};

/// The name of the decoder's weights of the batches, which the published model does not have.
pub const BATCH_WEIGHTS: &str = "dec_1.batch";

/// One tensor of the model.
#[derive(Debug)]
pub struct Parameter<'a> {
    /// Its name in the published model's state dictionary.
    pub name: String,
    /// Its values.
    pub tensor: &'a mut Tensor,
    /// Trained by gradients; running statistics are not.
    pub trained: bool,
}

/// A copy of every tensor of a model, in the order of [`Autoencoder::parameters_mut`].
#[derive(Debug)]
pub struct Snapshot(Vec<Tensor>);

impl Autoencoder {
    /// Every tensor of the model, in the published order.
    pub fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        let mut all = Collector::default();
        all.linear("enc_1", &mut self.enc_1);
        all.batch_norm("BN_1", &mut self.bn_1);
        all.linear("enc_2", &mut self.enc_2);
        all.batch_norm("BN_2", &mut self.bn_2);
        all.linear("z_layer", &mut self.z_layer);
        all.linear("dec_1", &mut self.decoder.dec_1);
        if let Some(batch) = &mut self.decoder.batch {
            all.add(BATCH_WEIGHTS, batch, true);
        }
        all.linear("dec_2", &mut self.decoder.dec_2);
        all.linear("calcu_pi", &mut self.decoder.calcu_pi);
        all.linear("calcu_disp", &mut self.decoder.calcu_disp);
        all.linear("calcu_mean", &mut self.decoder.calcu_mean);
        all.add("gnn_1.weight", &mut self.gnn_1.weight, true);
        all.add("gnn_2.weight", &mut self.gnn_2.weight, true);
        all.attention("attn1", &mut self.attn1);
        all.attention("attn2", &mut self.attn2);
        all.0
    }

    /// Handles of the parameters that gradients train and `wanted` picks by name.
    pub fn trained(&mut self, wanted: impl Fn(&str) -> bool) -> Vec<Tensor> {
        let all = self.parameters_mut().into_iter();
        all.filter(|p| p.trained && wanted(&p.name))
            .map(|p| p.tensor.shallow_clone())
            .collect()
    }

    /// A copy of the present values.
    #[must_use]
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot(
            self.parameters_mut()
                .iter()
                .map(|p| p.tensor.detach().copy())
                .collect(),
        )
    }

    /// Puts the values of a snapshot of this model back.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        tch::no_grad(|| {
            for (parameter, kept) in self.parameters_mut().into_iter().zip(&snapshot.0) {
                parameter.tensor.copy_(kept);
            }
        });
    }
}

impl Snapshot {
    /// Overwrites the snapshot with the model's present values, without new memory.
    pub fn update(&mut self, model: &mut Autoencoder) {
        tch::no_grad(|| {
            for (kept, parameter) in self.0.iter_mut().zip(model.parameters_mut()) {
                kept.copy_(parameter.tensor);
            }
        });
    }
}

/// Gathers tensors under their names.
#[derive(Default)]
struct Collector<'a>(Vec<Parameter<'a>>);

impl<'a> Collector<'a> {
    fn add(&mut self, name: &str, tensor: &'a mut Tensor, trained: bool) {
        self.0.push(Parameter {
            name: name.to_owned(),
            tensor,
            trained,
        });
    }

    fn linear(&mut self, layer: &str, linear: &'a mut Linear) {
        self.add(&format!("{layer}.weight"), &mut linear.weight, true);
        if let Some(bias) = &mut linear.bias {
            self.add(&format!("{layer}.bias"), bias, true);
        }
    }

    fn batch_norm(&mut self, layer: &str, norm: &'a mut BatchNorm) {
        self.add(&format!("{layer}.weight"), &mut norm.weight, true);
        self.add(&format!("{layer}.bias"), &mut norm.bias, true);
        self.add(
            &format!("{layer}.running_mean"),
            &mut norm.running_mean,
            false,
        );
        self.add(
            &format!("{layer}.running_var"),
            &mut norm.running_var,
            false,
        );
        self.add(
            &format!("{layer}.num_batches_tracked"),
            &mut norm.num_batches_tracked,
            false,
        );
    }

    fn attention(&mut self, layer: &str, attention: &'a mut CrossAttention) {
        self.linear(&format!("{layer}.tokeys"), &mut attention.tokeys);
        self.linear(&format!("{layer}.toqueries"), &mut attention.toqueries);
        self.linear(&format!("{layer}.tovalues"), &mut attention.tovalues);
        self.linear(&format!("{layer}.unifyheads"), &mut attention.unifyheads);
        if let Some(gate) = &mut attention.gate {
            self.add(&format!("{layer}.gate"), gate, true);
        }
    }
}
