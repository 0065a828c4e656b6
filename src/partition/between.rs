//! What is known of pairs of clusters while the tree is grown.

/// How strong the evidence between two clusters is. There are millions of pairs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Between {
    /// One of the two has been merged.
    Gone,
    /// At least so: no genes have been looked at.
    AtLeast(f64),
    /// So strong.
    Known(f64),
}

impl Between {
    pub(super) fn strength(self) -> Option<f64> {
        match self {
            Self::Gone => None,
            Self::AtLeast(strength) | Self::Known(strength) => Some(strength),
        }
    }
}

/// One cluster and those before it.
#[derive(Default)]
pub(super) struct Row {
    /// By place.
    pub between: Vec<Between>,
    /// Where the least of them is, the first of equals, and its strength.
    pub least: Option<(usize, f64)>,
}

impl Row {
    /// Looks at all of them.
    pub(super) fn find_least(&mut self) {
        let known = self.between.iter().enumerate();
        let known = known.filter_map(|(other, between)| Some((other, between.strength()?)));
        self.least = known.min_by(|a, b| a.1.total_cmp(&b.1));
    }

    /// Takes note that the cluster at `gone` was merged into the one at `place`, to which `between` is known.
    pub(super) fn merge(&mut self, place: usize, gone: usize, between: Between) {
        self.between[place] = between;
        if let Some(of_gone) = self.between.get_mut(gone) {
            *of_gone = Between::Gone;
        }
        let merged = between.strength().map(|strength| (place, strength));
        match (self.least, merged) {
            (Some((least, strength)), Some(merged)) if least != place && least != gone => {
                if (merged.1, merged.0) < (strength, least) {
                    self.least = Some(merged);
                }
            }
            _ => self.find_least(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_that_of_all_after_every_merge() {
        let strengths = [3.0, 1.0, 2.0, 1.0, 5.0];
        let mut row = Row {
            between: strengths.map(Between::Known).to_vec(),
            least: None,
        };
        row.find_least();
        assert_eq!(row.least, Some((1, 1.0)));
        // The place of the merged cluster, the one that is gone, what is known then, and the least of all.
        let merges = [
            (0, 1, Between::AtLeast(4.0), Some((3, 1.0))),
            (0, 4, Between::AtLeast(1.0), Some((0, 1.0))),
            (0, 7, Between::AtLeast(6.0), Some((3, 1.0))),
            (0, 3, Between::AtLeast(0.5), Some((0, 0.5))),
            (0, 2, Between::Gone, None),
        ];
        for (place, gone, between, least) in merges {
            row.merge(place, gone, between);
            assert_eq!(row.least, least);
        }
    }
}
