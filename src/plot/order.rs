//! Which cells a picture shows, and which of them lie on top.

use std::cmp::Reverse;

use rand::seq::SliceRandom;

use crate::{
    grouping::{n_groups, sizes},
    seed::{Stream, stream},
};

/// Share of a sample that is divided evenly between the groups before the rest is drawn by size.
const EVEN_SHARE: usize = 4;

/// All cells, in an order of drawing that hides no small group: the surplus of large groups comes first, and in what comes
/// last, on top, every group has as many cells as any other, while it has any.
///
/// `groups`: n groups, 0.. . Same groups and seed, same order. O(n log n).
#[must_use]
pub fn drawing_order(groups: &[usize], seed: u64) -> Vec<usize> {
    let mut cells: Vec<usize> = (0..groups.len()).collect();
    cells.shuffle(&mut stream(seed, Stream::Layout));
    let ranks = ranks(&cells, groups);
    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by_key(|&place| Reverse(ranks[place]));
    order.into_iter().map(|place| cells[place]).collect()
}

/// At most `most` cells in drawing order: all of them, or a sample in which every group has a share of a quarter of the
/// places and, of the others, as many as its size gives it.
#[must_use]
pub fn sampled_order(groups: &[usize], most: usize, seed: u64) -> Vec<usize> {
    let order = drawing_order(groups, seed);
    if order.len() <= most {
        return order;
    }
    let quotas = quotas(&sizes(groups), most);
    // From the top, so that a group's cells are the same whatever the quota.
    let mut taken = vec![0; quotas.len()];
    let mut kept: Vec<usize> = order
        .into_iter()
        .rev()
        .filter(|&cell| {
            let group = groups[cell];
            taken[group] += 1;
            taken[group] <= quotas[group]
        })
        .take(most)
        .collect();
    kept.reverse();
    kept
}

/// Of each of `cells`, how many cells of its group came before it.
fn ranks(cells: &[usize], groups: &[usize]) -> Vec<usize> {
    let mut before = vec![0; n_groups(groups)];
    let rank = |&cell: &usize| {
        let rank = before[groups[cell]];
        before[groups[cell]] += 1;
        rank
    };
    cells.iter().map(rank).collect()
}

/// How many cells of each group a sample of `most` of them has.
fn quotas(sizes: &[usize], most: usize) -> Vec<usize> {
    let least = (most / EVEN_SHARE / sizes.len().max(1)).max(1);
    let even: Vec<usize> = sizes.iter().map(|&size| size.min(least)).collect();
    let (n_cells, n_even): (usize, usize) = (sizes.iter().sum(), even.iter().sum());
    let rest = most.saturating_sub(n_even);
    let others = (n_cells - n_even).max(1);
    let by_size = |size: usize, even: usize| even + (size - even) * rest / others;
    let rounded_down = sizes.iter().zip(even);
    let mut quotas: Vec<usize> = rounded_down.map(|(&s, e)| by_size(s, e)).collect();
    let mut left = most.saturating_sub(quotas.iter().sum());
    for (quota, &size) in quotas.iter_mut().zip(sizes) {
        let more = left.min(size - *quota);
        *quota += more;
        left -= more;
    }
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 900 cells of group 0, 90 of 1, 10 of 2.
    fn groups() -> Vec<usize> {
        (0..1000)
            .map(|cell| {
                if cell < 900 {
                    0
                } else {
                    1 + usize::from(cell >= 990)
                }
            })
            .collect()
    }

    #[test]
    fn on_top_every_group_has_as_many_cells() {
        let groups = groups();
        let order = drawing_order(&groups, 1);
        let on_top = |n: usize| {
            sizes(
                &order[1000 - n..]
                    .iter()
                    .map(|&c| groups[c])
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(on_top(30), [10, 10, 10]);
        assert_eq!(on_top(190), [90, 90, 10]);
        assert!(order[..810].iter().all(|&cell| groups[cell] == 0));
    }

    #[test]
    fn an_order_holds_every_cell_once_and_repeats() {
        let groups = groups();
        let mut order = drawing_order(&groups, 1);
        assert_eq!(order, drawing_order(&groups, 1));
        assert_ne!(order, drawing_order(&groups, 2));
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
        assert!(drawing_order(&[], 1).is_empty());
    }

    #[test]
    fn a_sample_keeps_every_group_and_its_size() {
        let groups = groups();
        let kept = sampled_order(&groups, 100, 1);
        // 8 places each; of the other 76, as many as 892, 82 and 2 of 976 cells are; what rounding leaves goes to the first.
        assert_eq!(quotas(&[900, 90, 10], 100), [78, 14, 8]);
        assert_eq!(
            sizes(&kept.iter().map(|&c| groups[c]).collect::<Vec<_>>()),
            [78, 14, 8]
        );
        assert_eq!(sampled_order(&groups, 1000, 1), drawing_order(&groups, 1));
        let each_alone: Vec<usize> = (0..50).collect();
        assert_eq!(sampled_order(&each_alone, 20, 1).len(), 20);
    }
}
