//! The cells batch by batch, so that the cells of one batch are multiplied together.

use std::ops::Range;

use ndarray::Array2;

use super::products::BLOCK;

/// The order of the cells in which those of the first batch come first.
pub(super) struct InBatches {
    /// The cells in this order.
    pub order: Vec<usize>,
    /// The place of every cell in it.
    pub place_of: Vec<usize>,
    /// The batch of every place.
    pub of_place: Vec<u32>,
    /// Share of each batch in all cells.
    pub shares: Vec<f64>,
    pub blocks: Vec<Block>,
}

/// A run of at most [`BLOCK`] cells of one batch.
pub(super) struct Block {
    pub places: Range<usize>,
    pub batch: usize,
}

impl InBatches {
    /// From the batch of every cell, below `n_batches`.
    pub(super) fn of(batches: &[u32], n_batches: usize) -> Self {
        let mut order: Vec<usize> = (0..batches.len()).collect();
        order.sort_by_key(|&cell| batches[cell]);
        let mut place_of = vec![0; order.len()];
        for (place, &cell) in order.iter().enumerate() {
            place_of[cell] = place;
        }
        let mut shares = vec![0.0; n_batches];
        for &batch in batches {
            shares[batch as usize] += 1.0 / batches.len() as f64;
        }
        let of_place: Vec<u32> = order.iter().map(|&cell| batches[cell]).collect();
        Self {
            blocks: blocks(&of_place),
            order,
            place_of,
            of_place,
            shares,
        }
    }

    /// The rows of each block.
    pub(super) fn split<'a>(&self, cells: &'a mut Array2<f32>) -> Vec<&'a mut [f32]> {
        let width = cells.ncols();
        let mut rest = cells.as_slice_mut().unwrap_or_default();
        let of_block = |block: &Block| {
            let n_values = block.places.len() * width;
            let (rows, others) = std::mem::take(&mut rest).split_at_mut(n_values);
            rest = others;
            rows
        };
        self.blocks.iter().map(of_block).collect()
    }
}

fn blocks(of_place: &[u32]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut start = 0;
    for of_batch in of_place.chunk_by(|a, b| a == b) {
        for places in of_batch.chunks(BLOCK) {
            blocks.push(Block {
                places: start..start + places.len(),
                batch: places[0] as usize,
            });
            start += places.len();
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_cells_of_one_batch() {
        let batches: Vec<u32> = (0..1200).map(|cell| u32::from(cell % 4 == 0)).collect();
        let found = InBatches::of(&batches, 2);
        assert_eq!(found.order[..3], [1, 2, 3]);
        assert_eq!((found.place_of[1], found.place_of[0]), (0, 900));
        let blocks = found.blocks.iter();
        let blocks: Vec<_> = blocks
            .map(|block| (block.places.clone(), block.batch))
            .collect();
        assert_eq!(blocks, [(0..512, 0), (512..900, 0), (900..1200, 1)]);
        let mut cells = Array2::from_shape_fn((1200, 2), |(cell, _)| cell as f32);
        let rows = found.split(&mut cells);
        assert_eq!(
            (rows[1].len(), rows[1][0], rows[2][599]),
            (776, 512.0, 1199.0)
        );
    }
}
