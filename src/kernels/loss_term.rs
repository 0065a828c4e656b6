//! A loss whose gradient was worked out by hand, as automatic differentiation sees it.

use tch::{Kind, Tensor};

/// Value of a loss, and a scalar whose gradient is the loss's.
#[derive(Debug)]
pub struct LossTerm {
    /// The loss.
    pub value: f64,
    /// Its gradient by every input equals the loss's; its own value means nothing.
    pub surrogate: Tensor,
}

impl LossTerm {
    /// A loss of known `value`, from pairs of an input and the loss's gradient by it.
    #[must_use]
    pub fn from_gradients(value: f64, inputs: &[(&Tensor, Tensor)]) -> Self {
        Self {
            value,
            surrogate: surrogate(inputs),
        }
    }
}

/// A scalar whose gradient by each input is the tensor beside it. Inputs that want no gradient are left out.
#[must_use]
pub(super) fn surrogate<T: std::borrow::Borrow<Tensor>>(inputs: &[(T, Tensor)]) -> Tensor {
    let parts: Vec<Tensor> = inputs
        .iter()
        .map(|(input, gradient)| (input.borrow(), gradient))
        .filter(|(input, _)| input.requires_grad())
        .map(|(input, gradient)| input.flatten(0, -1).dot(&gradient.detach().flatten(0, -1)))
        .collect();
    Tensor::stack(&parts, 0).sum(Kind::Float)
}
