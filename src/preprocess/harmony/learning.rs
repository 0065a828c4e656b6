//! The cells while a correction is learnt: rounds of soft clustering, and of correction within the clusters.

use ndarray::{Array2, Axis, aview1};
use rand::seq::{SliceRandom, index};
use rayon::prelude::*;

use super::{
    in_batches::{Block, InBatches},
    offsets::{by_batch, offsets},
    products::{BLOCK, nearness, part, sums, take_off},
    sharing::{Nearness, Penalties, share_out_all, unevenness},
};
use crate::{
    seed::{Stream, stream},
    unit::{scale_to_unit, unit_rows},
};

/// Most soft clusters, and cells for each of them at least.
const MOST_CLUSTERS: usize = 100;
const CELLS_PER_CLUSTER: usize = 30;

/// Most rounds of clustering between two corrections.
const ROUNDS_WITHIN: usize = 20;

/// Relative change of the objective below which such a round was the last.
const SETTLED_WITHIN: f64 = 1e-3;

/// Share of the cells whose clusters are found anew at a time.
const SHARE_AT_A_TIME: f64 = 0.05;

/// Cells whose clusters one thread finds at a time.
const CELLS_OF_TASK: usize = 128;

/// Rounds of clustering before all, which do not look at batches.
const FIRST_ROUNDS: usize = 10;

/// The cells while the correction is learnt, batch by batch.
pub(super) struct Learning {
    batches: InBatches,
    /// The cells as they were given: n × components.
    scores: Array2<f32>,
    /// The cells, corrected and of length 1: n × components.
    unit: Array2<f32>,
    pub(super) centers: Array2<f32>,
    /// Share of every cell in every cluster: n × k.
    shares: Array2<f32>,
    /// Sums of these by batch and cluster: batches × k.
    held: Array2<f64>,
    pub(super) offsets: Vec<Vec<Vec<f64>>>,
    rng: rand_chacha::ChaCha8Rng,
}

impl Learning {
    pub(super) fn start(
        scores: &Array2<f32>,
        batches: &[u32],
        n_batches: usize,
        seed: u64,
    ) -> Self {
        let (n_cells, width) = scores.dim();
        let k = (n_cells / CELLS_PER_CLUSTER).clamp(1, MOST_CLUSTERS);
        let mut rng = stream(seed, Stream::Integration);
        let first = index::sample(&mut rng, n_cells, k).into_iter();
        let batches = InBatches::of(batches, n_batches);
        let first: Vec<usize> = first.map(|cell| batches.place_of[cell]).collect();
        let scores = scores.select(Axis(0), &batches.order);
        let unit = unit_rows(scores.view());
        let mut learning = Self {
            batches,
            centers: unit.select(Axis(0), &first),
            shares: Array2::zeros((n_cells, k)),
            held: Array2::zeros((n_batches, k)),
            offsets: vec![vec![vec![0.0; width]; n_batches]; k],
            scores,
            unit,
            rng,
        };
        learning.find_clusters();
        learning
    }

    /// Clusters that do not look at batches.
    fn find_clusters(&mut self) {
        let ones = vec![1.0; self.centers.nrows()];
        for _ in 0..FIRST_ROUNDS {
            let near = self.nearness().of_cells;
            let shares = self.shares.as_slice_mut().unwrap_or_default();
            shares.copy_from_slice(&near);
            let blocks = shares.par_chunks_mut(BLOCK * ones.len());
            blocks.for_each(|shares| share_out_all(shares, &ones));
            self.move_centers();
        }
        let all: Vec<usize> = (0..self.batches.order.len()).collect();
        self.hold(&all, 1.0);
    }

    /// Clusters hold all batches alike, as far as that fits; the objective afterwards.
    pub(super) fn cluster(&mut self) -> f64 {
        let mut objectives: Vec<f64> = Vec::new();
        for _ in 0..ROUNDS_WITHIN {
            self.move_centers();
            let near = self.nearness();
            let fit = self.share_out(&near);
            objectives.push(fit + unevenness(&self.held, &self.batches.shares));
            if let [.., a, b, c, d] = objectives[..]
                && (a + b + c) - (b + c + d) < SETTLED_WITHIN * (a + b + c).abs()
            {
                break;
            }
        }
        objectives.last().copied().unwrap_or(0.0)
    }

    fn nearness(&self) -> Nearness {
        let (n_cells, k) = self.shares.dim();
        let width = self.unit.ncols();
        let mut found = Nearness {
            of_cells: vec![0.0; n_cells * k],
            largest: vec![0.0; n_cells],
        };
        found
            .of_cells
            .par_chunks_mut(BLOCK * k)
            .zip(found.largest.par_chunks_mut(BLOCK))
            .zip(part(&self.unit, 0..n_cells).par_chunks(BLOCK * width))
            .for_each(|((near, largest), unit)| nearness(unit, &self.centers, near, largest));
        found
    }

    /// Sums of the cells in each cluster by their shares, by batch: k × components each.
    fn sums(&self, cells: &Array2<f32>) -> Vec<Array2<f64>> {
        let (k, width) = (self.shares.ncols(), cells.ncols());
        let of_block = |block: &Block| {
            let shares = part(&self.shares, block.places.clone());
            sums(
                shares,
                part(cells, block.places.clone()),
                block.places.len(),
            )
        };
        let of_blocks: Vec<Vec<f32>> = self.batches.blocks.par_iter().map(of_block).collect();
        let mut of_batches = vec![Array2::zeros((k, width)); self.batches.shares.len()];
        for (block, of_block) in self.batches.blocks.iter().zip(of_blocks) {
            let sums: &mut Array2<f64> = &mut of_batches[block.batch];
            sums.iter_mut()
                .zip(of_block)
                .for_each(|(sum, x)| *sum += f64::from(x));
        }
        of_batches
    }

    fn move_centers(&mut self) {
        let of_batches = self.sums(&self.unit);
        let mut sum = Array2::<f64>::zeros(self.centers.dim());
        for of_batch in &of_batches {
            sum += of_batch;
        }
        self.centers = unit_rows(sum.mapv(|value| value as f32).view());
    }

    /// Shares of all cells, some cells at a time, each time by what the others hold; their distance to the centres, less entropy.
    fn share_out(&mut self, near: &Nearness) -> f64 {
        let k = self.shares.ncols();
        let mut order: Vec<usize> = (0..self.batches.order.len()).collect();
        order.shuffle(&mut self.rng);
        let at_a_time = ((order.len() as f64 * SHARE_AT_A_TIME) as usize).max(1);
        let mut fit = 0.0;
        let mut fresh = vec![0.0; at_a_time * k];
        for cells in order.chunks(at_a_time) {
            let places: Vec<usize> = cells
                .iter()
                .map(|&cell| self.batches.place_of[cell])
                .collect();
            self.hold(&places, -1.0);
            let penalties = Penalties::of(&self.held, &self.batches.shares);
            let fits: Vec<f64> = fresh
                .par_chunks_mut(CELLS_OF_TASK * k)
                .zip(places.par_chunks(CELLS_OF_TASK))
                .map(|(fresh, places)| {
                    near.share_out(fresh, places, &self.batches.of_place, &penalties)
                })
                .collect();
            fit += fits.iter().sum::<f64>();
            for (fresh, &place) in fresh.chunks(k).zip(&places) {
                let mut shares = self.shares.row_mut(place);
                shares.assign(&aview1(fresh));
            }
            self.hold(&places, 1.0);
        }
        fit
    }

    /// Adds the shares of some cells, times `sign`, to what the clusters hold.
    fn hold(&mut self, places: &[usize], sign: f64) {
        for &place in places {
            let mut held = self.held.row_mut(self.batches.of_place[place] as usize);
            let shares = part(&self.shares, place..place + 1);
            held.iter_mut()
                .zip(shares)
                .for_each(|(sum, &share)| *sum += sign * f64::from(share));
        }
    }

    /// ((expected + 1) / (held + 1))^θ by cluster and batch.
    pub(super) fn penalties(&self) -> Array2<f64> {
        let penalties = Penalties::of(&self.held, &self.batches.shares);
        let (n_batches, k) = self.held.dim();
        Array2::from_shape_fn((k, n_batches), |(cluster, batch)| {
            f64::from(penalties.values[(batch, cluster)])
        })
    }

    /// Finds what each batch's cells have in common in each cluster, and takes it off.
    pub(super) fn correct(&mut self) {
        let of_batches = self.sums(&self.scores);
        self.offsets = (0..self.centers.nrows())
            .map(|cluster| {
                let sums = of_batches.iter().map(|sums| sums.row(cluster).to_vec());
                offsets(
                    &sums.collect::<Vec<_>>(),
                    &self.held.column(cluster).to_vec(),
                )
            })
            .collect();
        let offsets = by_batch(&self.offsets);
        let mut corrected = self.scores.clone();
        let width = corrected.ncols();
        let of_blocks = self.batches.split(&mut corrected);
        of_blocks
            .into_par_iter()
            .zip(&self.batches.blocks)
            .for_each(|(cells, block)| {
                take_off(
                    cells,
                    part(&self.shares, block.places.clone()),
                    &offsets[block.batch],
                );
                cells.chunks_mut(width).for_each(scale_to_unit);
            });
        self.unit = corrected;
    }
}
