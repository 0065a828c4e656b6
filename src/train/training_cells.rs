//! Where training steps get their cells from.

use super::{
    mini_batches::{Drawn, MiniBatches},
    training_batch::TrainingBatch,
};
use crate::{graph::GraphError, threads::hand_on};

/// Most steps between two looks at how far the labels of a mini-batch run have settled.
const MOST_STEPS_PER_ROUND: usize = 32;

/// The cells of every training step.
#[derive(Debug)]
pub enum TrainingCells<'a> {
    /// All of them in every step, as published: a step is an epoch.
    Whole(Box<TrainingBatch<'a>>),
    /// A mini-batch in every step.
    MiniBatches(Box<MiniBatches<'a>>),
}

/// One step's cells.
#[derive(Debug)]
pub enum Step<'s, 'a> {
    /// All training cells, in order.
    Whole(&'s TrainingBatch<'a>),
    /// Some cells.
    Some(Box<Drawn>),
}

impl<'a> TrainingCells<'a> {
    /// The cells of the next step.
    ///
    /// # Errors
    ///
    /// Where a mini-batch's cells have no graph.
    pub fn next_step(&mut self) -> Result<Step<'_, 'a>, GraphError> {
        match self {
            Self::Whole(batch) => Ok(Step::Whole(batch)),
            Self::MiniBatches(batches) => Ok(Step::Some(Box::new(batches.draw()?))),
        }
    }

    /// What `learn` makes of the cells of the next step. Where `more` steps are to follow, another thread, if there is one,
    /// draws the cells of the one after it once `learn` calls what it is given: which ones they are does not depend on what
    /// is learnt.
    ///
    /// # Errors
    ///
    /// Where a mini-batch's cells have no graph.
    pub fn learn_from_next<R>(
        &mut self,
        more: bool,
        learn: impl FnOnce(&Step<'_, 'a>, &mut dyn FnMut()) -> R,
    ) -> Result<R, GraphError> {
        match self {
            Self::MiniBatches(batches) if more && rayon::current_num_threads() > 1 => {
                let drawn = Step::Some(Box::new(batches.draw()?));
                let (mut batches, keep_alone) = (Some(batches), hand_on());
                Ok(rayon::in_place_scope(|scope| {
                    learn(&drawn, &mut || {
                        if let Some(batches) = batches.take() {
                            scope.spawn(move |_| {
                                keep_alone();
                                batches.draw_ahead();
                            });
                        }
                    })
                }))
            }
            _ => Ok(learn(&self.next_step()?, &mut || ())),
        }
    }

    /// Whether every step sees every cell.
    #[must_use]
    pub fn are_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// Steps in which every cell is seen, or enough cells to speak for them.
    #[must_use]
    pub fn steps_per_round(&self) -> usize {
        match self {
            Self::Whole(_) => 1,
            Self::MiniBatches(batches) => batches.per_pass().min(MOST_STEPS_PER_ROUND),
        }
    }
}

impl<'a> Step<'_, 'a> {
    /// What is learnt from.
    #[must_use]
    pub fn batch(&self) -> &TrainingBatch<'a> {
        match self {
            Self::Whole(batch) => batch,
            Self::Some(drawn) => &drawn.batch,
        }
    }

    /// The position of the mini-batch's `i`-th cell among the training cells.
    #[must_use]
    pub fn cell(&self, i: usize) -> usize {
        match self {
            Self::Whole(_) => i,
            Self::Some(drawn) => drawn.cells[i],
        }
    }
}
