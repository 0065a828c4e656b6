//! Some cells of many, such as those that a large data set is trained on.

use rand::seq::index;

use crate::seed::{Stream, stream};

/// Positions of at most `most` of `n_cells` cells, ascending, drawn without replacement for one purpose.
///
/// Deviation: the published script draws within each true label. Labels are not looked at here.
#[must_use]
pub fn sample_cells(n_cells: usize, most: usize, seed: u64, purpose: Stream) -> Vec<usize> {
    if n_cells <= most {
        return (0..n_cells).collect();
    }
    let mut cells = index::sample(&mut stream(seed, purpose), n_cells, most).into_vec();
    cells.sort_unstable();
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_data_set_is_taken_whole() {
        assert_eq!(sample_cells(3, 3, 1, Stream::Training), [0, 1, 2]);
    }

    #[test]
    fn a_sample_has_its_size_no_repeats_and_its_seed() {
        let sample = sample_cells(1000, 100, 1, Stream::Training);
        assert_eq!(sample.len(), 100);
        assert!(sample.windows(2).all(|pair| pair[0] < pair[1]) && sample[99] < 1000);
        assert_eq!(sample, sample_cells(1000, 100, 1, Stream::Training));
        assert_ne!(sample, sample_cells(1000, 100, 2, Stream::Training));
    }
}
