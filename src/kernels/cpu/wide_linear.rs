//! The layer that all genes enter by, on the CPU in tasks of our own.
//!
//! Its two products are most of what a step on a mini-batch multiplies. Each number of a product is one thread's, and tasks are cut
//! by the layer's shape alone: results do not depend on the number of threads.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;
use tch::{Tensor, kind::FLOAT_CPU};

use crate::kernels::{
    Affine, Tape,
    tensor::{rows_mut, values, values_mut},
};

/// Cells of a task on the way there.
const CELLS: usize = 256;

/// Its outputs.
const OUTPUTS: usize = 32;

/// Inputs whose weights' gradients are a task on the way back.
const INPUTS: usize = 256;

/// x Wᵀ + b for many inputs, n × n_in → n × n_out, with its gradients on `tape`.
pub(super) fn wide_linear(x: &Tensor, layer: Affine<'_>, tape: &mut Tape) -> Tensor {
    let (fixed, weight) = (x.detach().contiguous(), layer.weight.detach());
    let outputs = outputs(&fixed, &weight, layer.bias);
    let mut inputs = vec![x, layer.weight];
    inputs.extend(layer.bias);
    let (x_learns, parameter) = (x.requires_grad(), layer.weight.shallow_clone());
    tape.join(&inputs, outputs, move |gradient| {
        let by_x = if x_learns {
            gradient.matmul(&weight)
        } else {
            Tensor::new()
        };
        let by_weight = by_weight(&fixed, &gradient.contiguous(), parameter.grad());
        let by_bias = gradient.sum_dim_intlist([0].as_slice(), false, tch::Kind::Float);
        vec![by_x, by_weight, by_bias]
    })
}

/// A contiguous tensor's rows as a matrix.
fn matrix(tensor: &Tensor) -> MatRef<'_, f32> {
    let (rows, columns) = tensor.size2().unwrap_or_default();
    MatRef::from_row_major_slice(values(tensor), rows as usize, columns as usize)
}

/// x Wᵀ + b
fn outputs(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let mut outputs = Tensor::zeros([x.size()[0], weight.size()[0]], FLOAT_CPU);
    let (x, weight) = (matrix(x), matrix(weight));
    if let Some(bias) = bias.map(values) {
        let rows = values_mut(&mut outputs).chunks_mut(weight.nrows());
        rows.for_each(|row| row.copy_from_slice(bias));
    }
    let blocks = values_mut(&mut outputs).par_chunks_mut(CELLS * weight.nrows());
    blocks.zip(x.par_row_chunks(CELLS)).for_each(|(block, x)| {
        let block = rows_mut(block, weight.nrows()).par_col_chunks_mut(OUTPUTS);
        block
            .zip(weight.par_row_chunks(OUTPUTS))
            .for_each(|(block, weight)| add_product(block, x, weight.transpose()));
    });
    outputs
}

/// gradientᵀ x, added to the gradient that the weights have already, where they have one: nothing is returned then.
fn by_weight(x: &Tensor, gradient: &Tensor, sums: Tensor) -> Tensor {
    let is_new = !sums.defined();
    let mut sums = if is_new {
        Tensor::zeros([gradient.size()[1], x.size()[1]], FLOAT_CPU)
    } else {
        sums
    };
    let (x, gradient) = (matrix(x), matrix(gradient));
    rows_mut(values_mut(&mut sums), x.ncols())
        .par_col_chunks_mut(INPUTS)
        .zip(x.par_col_chunks(INPUTS))
        .for_each(|(sums, x)| add_product(sums, gradient.transpose(), x));
    if is_new { sums } else { Tensor::new() }
}

fn add_product(out: MatMut<'_, f32>, left: MatRef<'_, f32>, right: MatRef<'_, f32>) {
    matmul(out, Accum::Add, left, right, 1.0, Par::Seq);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::layers::Linear,
        seed::{Stream, stream},
    };
    use tch::Kind;

    #[test]
    fn values_and_gradients_are_those_of_a_linear_layer() {
        // More than a task of each kind, none of them full.
        let mut layer = Linear::new(600, 70, &mut stream(1, Stream::Weights));
        let x = Tensor::arange(300 * 600, FLOAT_CPU).sin().view([300, 600]);
        let x = x.set_requires_grad(true);
        let bias = layer.bias.take();
        layer.bias = bias.map(|bias| bias.set_requires_grad(true));
        layer.weight = layer.weight.set_requires_grad(true);
        let gradients = |wide: bool| {
            let mut all = vec![x.shallow_clone(), layer.weight.shallow_clone()];
            all.extend(layer.bias.iter().map(Tensor::shallow_clone));
            all.iter_mut().for_each(Tensor::zero_grad);
            let mut tape = Tape::default();
            let out = if wide {
                layer.forward_wide(&x, &mut tape)
            } else {
                layer.forward(&x)
            };
            tape.backward(&out.square().mean(Kind::Float));
            let mut found = vec![out.detach()];
            found.extend(all.iter().map(|tensor| tensor.grad().copy()));
            found
        };
        for (found, expected) in gradients(true).iter().zip(&gradients(false)) {
            assert!(found.allclose(expected, 1e-4, 1e-6, false));
        }
    }
}
