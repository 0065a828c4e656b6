//! The network's weights under their published names.

use tch::{Device, Kind, Tensor};

use super::{Contents, ModelFileError, NamedTensor, TensorData, TensorFile};
use crate::model::{ModelConfig, autoencoder::Autoencoder, parameters::BATCH_WEIGHTS};

pub(super) fn put_network(network: &mut Autoencoder, file: &mut Contents) {
    let named = |name: String, tensor: &Tensor| {
        let shape = tensor.size().iter().map(|&size| size as usize).collect();
        let flat = tensor.detach().to_device(Device::Cpu).flatten(0, -1);
        let data = if tensor.kind() == Kind::Int64 {
            TensorData::I64(Vec::try_from(flat).unwrap_or_default())
        } else {
            TensorData::F32(Vec::try_from(flat).unwrap_or_default())
        };
        NamedTensor { name, shape, data }
    };
    let parameters = network.parameters_mut().into_iter();
    file.tensors
        .extend(parameters.map(|p| named(p.name, p.tensor)));
}

/// The network of a model of `n_genes` highly variable genes.
pub(super) fn take_network(
    file: &TensorFile,
    n_genes: usize,
    config: &ModelConfig,
) -> Result<Autoencoder, ModelFileError> {
    // Every weight that the seed draws is replaced.
    let mut network = Autoencoder::new(n_genes, config, 0, Device::Cpu);
    if file.has(BATCH_WEIGHTS) {
        let shape = file.f32(BATCH_WEIGHTS, 2)?.0;
        network.decoder.condition_on(shape[0]);
    }
    for parameter in network.parameters_mut() {
        let name = &parameter.name;
        let found = file.tensor(name)?;
        let shape: Vec<i64> = found.shape.iter().map(|&size| size as i64).collect();
        file.check(name, parameter.tensor.size() == shape)?;
        let values = match &found.data {
            TensorData::F32(_) => Tensor::from_slice(file.f32(name, shape.len())?.1),
            TensorData::I64(values) => Tensor::from_slice(values),
            TensorData::F64(_) => return Err(file.damaged(name, "has another kind")),
        };
        tch::no_grad(|| parameter.tensor.copy_(&values.view(shape.as_slice())));
    }
    Ok(network)
}
