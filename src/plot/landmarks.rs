//! Places of cells among others that have been laid out.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::forces::Point;
use crate::graph::{Adjacency, nearest};

/// Neighbours further in the picture than this from the strongest one do not count: between two islands there is nothing.
const REACH: f32 = 1.0;

/// Every cell at the mean of the places of the cells that it is connected with, each weighed by the edge; a landmark at its
/// own place.
///
/// `z`: n × d embedding; `graph`: n × n; `landmarks`: cells that have been laid out; `places`: theirs. Cells that are connected
/// with a landmark come first, then those that are connected with these, and so on. A cell that no path leads to is placed at
/// the landmark nearest to it in `z` by cosine. O(edges) time for each step of the longest path.
pub(super) fn place_among(
    z: ArrayView2<f32>,
    graph: &Adjacency,
    landmarks: &[usize],
    places: &[Point],
) -> Vec<Point> {
    let mut placed: Vec<Option<Point>> = vec![None; z.nrows()];
    for (&landmark, &place) in landmarks.iter().zip(places) {
        placed[landmark] = Some(place);
    }
    loop {
        let next: Vec<(usize, Point)> = (0..z.nrows())
            .into_par_iter()
            .filter(|&cell| placed[cell].is_none())
            .filter_map(|cell| Some((cell, mean_of_near(&around(graph, cell, &placed))?)))
            .collect();
        if next.is_empty() {
            break;
        }
        for (cell, place) in next {
            placed[cell] = Some(place);
        }
    }
    let lost: Vec<usize> = (0..z.nrows())
        .filter(|&cell| placed[cell].is_none())
        .collect();
    let (all, queries) = (z.select(Axis(0), landmarks), z.select(Axis(0), &lost));
    for (cell, near) in lost.into_iter().zip(nearest(all.view(), queries.view(), 1)) {
        placed[cell] = near.first().map(|&landmark| places[landmark as usize]);
    }
    placed.into_iter().map(Option::unwrap_or_default).collect()
}

/// The places of a cell's neighbours, as far as they have one, with the weights of the edges.
fn around(graph: &Adjacency, cell: usize, placed: &[Option<Point>]) -> Vec<(Point, f32)> {
    let mut found = Vec::new();
    graph.each_in_row(cell, |neighbor, weight| {
        if let (Some(place), true) = (placed[neighbor], weight > 0.0) {
            found.push((place, weight));
        }
    });
    found
}

/// The weighted mean of places that lie near the one of largest weight.
fn mean_of_near(around: &[(Point, f32)]) -> Option<Point> {
    let &(strongest, _) = around.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let mut sum = [0.0_f64; 2];
    let mut total = 0.0;
    for &(place, weight) in around {
        if (place[0] - strongest[0]).hypot(place[1] - strongest[1]) <= REACH {
            let weight = f64::from(weight);
            total += weight;
            sum = [0, 1].map(|axis| sum[axis] + weight * f64::from(place[axis]));
        }
    }
    Some(sum.map(|sum| (sum / total) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Csr;
    use ndarray::array;
    use sprs::TriMatI;

    /// Symmetric weights of six cells.
    fn graph() -> Adjacency {
        let mut triplets = TriMatI::<f32, u32>::new((6, 6));
        for (a, b, weight) in [(2, 0, 2.0), (2, 1, 1.0), (2, 3, 0.5), (4, 2, 1.0)] {
            triplets.add_triplet(a, b, weight);
            triplets.add_triplet(b, a, weight);
        }
        let graph: Csr = triplets.to_csr();
        Adjacency::Sparse(graph)
    }

    #[test]
    fn values_by_hand() {
        let z = array![
            [1.0_f32, 0.0],
            [1.0, 0.1],
            [1.0, 0.2],
            [0.0, 1.0],
            [1.0, 0.3],
            [0.1, 1.0]
        ];
        let places = [[0.0, 0.0], [0.9, 0.0], [50.0, 50.0]];
        let placed = place_among(z.view(), &graph(), &[0, 1, 3], &places);
        let expected = [
            [0.0, 0.0],
            [0.9, 0.0],
            // twice as strongly connected with 0 as with 1; cell 3 is on another island
            [0.3, 0.0],
            [50.0, 50.0],
            // connected with cell 2 only
            [0.3, 0.0],
            // connected with none, nearest to cell 3
            [50.0, 50.0],
        ];
        for (place, expected) in placed.iter().zip(expected) {
            assert!((place[0] - expected[0]).abs() < 1e-6 && (place[1] - expected[1]).abs() < 1e-6);
        }
    }
}
