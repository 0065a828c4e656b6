//! Counts that are read while those before them are worked on.

use std::ops::Range;

use super::survey::chunks;
use crate::counts::{CountSource, CountsError, Csr};

/// Hands all counts of a source to `work`, a run of rows at a time and in order. While it works on a run, the next one is read
/// by another of the program's threads, if there is one.
///
/// `work` may take little memory, since there is a limit on it while a file is read (`src/guard`).
///
/// # Errors
///
/// The first one of reading; what was read before has been handed over then.
pub(super) fn each_chunk(
    source: &dyn CountSource,
    mut work: impl FnMut(Range<usize>, Csr) + Send,
) -> Result<(), CountsError> {
    let mut before = None;
    for rows in chunks(source.n_cells()) {
        let (chunk, ()) = rayon::join(
            || source.rows(rows.clone()),
            || {
                if let Some((rows, chunk)) = before.take() {
                    work(rows, chunk);
                }
            },
        );
        before = Some((rows, chunk?));
    }
    if let Some((rows, chunk)) = before {
        work(rows, chunk);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_handed_over_once_and_in_order() -> Result<(), CountsError> {
        let n = 2500;
        let counts = Csr::new(
            (n, 1),
            (0..=n).collect(),
            vec![0; n],
            (1..=n).map(|i| i as f32).collect(),
        );
        let mut seen = Vec::new();
        each_chunk(&counts, |rows, chunk| {
            assert_eq!((rows.start, rows.len()), (seen.len(), chunk.rows()));
            seen.extend_from_slice(chunk.data());
        })?;
        assert_eq!(seen, counts.data());
        each_chunk(&Csr::zero((0, 1)), |_, _| panic!("there is no row"))
    }
}
