//! Numbering of clusters.

use std::{collections::HashMap, hash::Hash};

use crate::grouping::sizes;

/// The same groups, numbered 0.. by their first member.
pub(crate) fn by_first<T: Eq + Hash>(groups: &[T]) -> Vec<usize> {
    let mut numbers = HashMap::new();
    groups
        .iter()
        .map(|group| {
            let next = numbers.len();
            *numbers.entry(group).or_insert(next)
        })
        .collect()
}

/// Renumbers clusters by decreasing size, equal sizes by their first cell.
pub(crate) fn by_size(labels: &[usize]) -> Vec<usize> {
    let sizes = sizes(labels);
    let n_clusters = sizes.len();
    let mut first_cells = vec![usize::MAX; n_clusters];
    for (cell, &label) in labels.iter().enumerate() {
        first_cells[label] = first_cells[label].min(cell);
    }
    let mut order: Vec<usize> = (0..n_clusters).collect();
    order.sort_by_key(|&cluster| (std::cmp::Reverse(sizes[cluster]), first_cells[cluster]));
    let mut new_labels = vec![0; n_clusters];
    for (new, &old) in order.iter().enumerate() {
        new_labels[old] = new;
    }
    labels.iter().map(|&label| new_labels[label]).collect()
}

/// Labels of cells from the group of every leaf that they lie in, by decreasing size. A group without cells has none.
pub(super) fn labels_of(leaves: &[usize], group: &[usize]) -> Vec<usize> {
    let of_cells: Vec<usize> = leaves.iter().map(|&leaf| group[leaf]).collect();
    by_size(&of_cells)
}
