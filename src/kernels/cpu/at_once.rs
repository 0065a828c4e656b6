//! A few things that do not wait for each other.

use rayon::prelude::*;

/// What `work` makes of each, each a task of its own.
pub(super) fn at_once<T: Send, R: Send, const N: usize>(
    things: [T; N],
    work: impl Fn(T) -> R + Sync + Send,
) -> [R; N] {
    let made: Vec<R> = things.into_par_iter().with_max_len(1).map(work).collect();
    made.try_into()
        .unwrap_or_else(|_| unreachable!("as many are made as there are"))
}
