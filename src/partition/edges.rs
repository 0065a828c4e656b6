//! The edges of two groups of cells, and whether there are fewer between them than by chance.

/// As evidence of a split, chance is taken over at most this many times the edges of the two groups. Among many small types, chance over
/// all edges expects hardly one between two of them: the few that there are would then be no lack.
const MOST_TIMES_THE_PAIR: f64 = 10.0;

/// Fewest edges that are told from none, relative to those expected by chance.
const LEAST_EDGES: f64 = 1e-4;

/// The edges of two groups of cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges {
    /// Summed weights of one group's cells, to any cell.
    pub of_one: f64,
    /// The same of the other's.
    pub of_other: f64,
    /// Those between the groups.
    pub between: f64,
    /// Those that chance is taken over.
    pub total: f64,
}

impl Edges {
    /// The same two groups in a graph that is not much larger than they are.
    pub(super) fn nearby(self) -> Self {
        let most = MOST_TIMES_THE_PAIR * (self.of_one + self.of_other);
        Self {
            total: self.total.min(most),
            ..self
        }
    }

    /// ln of the edges between the groups by chance over those there are. Chance is taken over the groups' own edges, if these are
    /// more than `total`: halves of a group in which all cells are alike then lack none, however large it is.
    pub(super) fn lack(self) -> f64 {
        let total = self.total.max(self.of_one + self.of_other);
        let expected = self.of_one * self.of_other / total;
        let found = if expected > 0.0 {
            self.between / expected
        } else {
            0.0
        };
        -(found + LEAST_EDGES).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_group_of_many_cells_lack_no_edges() {
        // Every cell is connected to any other of the group as strongly. Chance is taken over a tenth of their edges.
        let edges = Edges {
            of_one: 300.0,
            of_other: 200.0,
            between: 300.0 * 200.0 / 500.0,
            total: 50.0,
        };
        assert!(edges.lack().abs() < 1e-3);
    }

    #[test]
    fn two_of_many_small_types_lack_edges() {
        // One edge in twenty leads to the other, of a thousand times as many in all.
        let edges = Edges {
            of_one: 20.0,
            of_other: 20.0,
            between: 1.0,
            total: 40_000.0,
        };
        assert!(edges.lack() < -4.0);
        assert!((edges.nearby().lack()).abs() < 1e-3);
        let few = Edges {
            total: 100.0,
            ..edges
        };
        assert!((few.nearby().lack() - few.lack()).abs() < 1e-12);
    }
}
