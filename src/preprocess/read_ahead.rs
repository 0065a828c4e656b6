//! Counts in runs of cells, each read while those before it are worked on.

use std::ops::Range;

use crate::counts::{CountSource, CountsError, Csr};

/// Cells read at a time: enough for every thread, and a few megabytes of counts.
const CHUNK: usize = 1024;

/// The runs of rows that a pass over `n_cells` cells reads.
pub(super) fn chunks(n_cells: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n_cells)
        .step_by(CHUNK)
        .map(move |start| start..(start + CHUNK).min(n_cells))
}

/// Hands all counts of a source to `work`, a run of rows at a time and in order. While it works on a run, the next one is read
/// by another of the program's threads, if there is one.
///
/// `work` may take little memory, since there is a limit on it while a file is read (`src/guard`).
///
/// # Errors
///
/// The first one of reading; what was read before has been handed over then.
pub(crate) fn each_chunk(
    source: &dyn CountSource,
    mut work: impl FnMut(Range<usize>, Csr) + Send,
) -> Result<(), CountsError> {
    let read = chunks(source.n_cells()).map(|rows| Ok((rows.clone(), source.rows(rows)?)));
    each_ahead(read, |(rows, chunk)| work(rows, chunk))
}

/// Hands what is made to `work`, in order. While it works on one thing, the next one is made by another of the program's threads, if
/// there is one.
///
/// # Errors
///
/// The first one of making; what was made before has been handed over then.
pub(super) fn each_ahead<T: Send, E: Send>(
    mut made: impl Iterator<Item = Result<T, E>> + Send,
    mut work: impl FnMut(T) + Send,
) -> Result<(), E> {
    let mut before = None;
    loop {
        let (next, ()) = rayon::join(|| made.next(), || before.take().map_or((), &mut work));
        match next {
            Some(next) => before = Some(next?),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_every_row_once() {
        let covered: Vec<usize> = chunks(2 * CHUNK + 3).flatten().collect();
        assert_eq!(covered, (0..2 * CHUNK + 3).collect::<Vec<_>>());
        assert_eq!(chunks(0).count(), 0);
    }

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
