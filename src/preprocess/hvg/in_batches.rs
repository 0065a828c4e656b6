//! Genes that vary in many batches.

use super::{Scored, cell_ranger::median, highest};

/// Which of the genes that as many batches choose come first.
#[derive(Debug, Clone, Copy)]
pub(super) enum AmongEquals {
    /// Those of higher mean score, 0 being the score where a batch lacks the gene.
    HigherScore,
    /// Those of lower median rank in the batches that choose them.
    LowerRank,
}

/// The first `n_top` of some genes in the order of the number of batches that choose them, ascending. `scored` are the genes of every
/// batch with their scores.
pub(super) fn highest_in_batches(
    scored: &[Scored],
    mut genes: Vec<usize>,
    n_top: usize,
    among_equals: AmongEquals,
) -> Vec<usize> {
    let n_genes = genes.last().map_or(0, |last| last + 1);
    let mut judged = vec![Judged::default(); n_genes];
    for scored in scored {
        let mut scores = vec![0.0; n_genes];
        for &(gene, score) in scored {
            scores[gene] = score;
        }
        let mut chosen = highest(scored, n_top);
        chosen.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        for (rank, gene) in chosen.into_iter().enumerate() {
            judged[gene].ranks.push(rank as f64);
        }
        for (judged, score) in judged.iter_mut().zip(scores) {
            if !score.is_nan() {
                judged.scores.push(score);
            }
        }
    }
    let order = judged.iter_mut().map(|judged| judged.order(among_equals));
    let order: Vec<(usize, f64)> = order.collect();
    genes.sort_by(|&a, &b| {
        let ((by_a, a), (by_b, b)) = (order[a], order[b]);
        by_b.cmp(&by_a).then(b.total_cmp(&a))
    });
    genes.truncate(n_top);
    genes.sort_unstable();
    genes
}

/// How batches judge a gene.
#[derive(Debug, Clone, Default)]
struct Judged {
    /// In every batch that gives it one.
    scores: Vec<f64>,
    /// Among the genes of every batch that chooses it, from 0.
    ranks: Vec<f64>,
}

impl Judged {
    /// By how many batches the gene is chosen, and what is higher for those that come first of equals.
    fn order(&mut self, among_equals: AmongEquals) -> (usize, f64) {
        let among_equals = match among_equals {
            AmongEquals::HigherScore => self.scores.iter().sum::<f64>() / self.scores.len() as f64,
            AmongEquals::LowerRank => -median(&mut self.ranks),
        };
        let is_known = !among_equals.is_nan();
        let among_equals = if is_known {
            among_equals
        } else {
            f64::NEG_INFINITY
        };
        (self.ranks.len(), among_equals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_genes_that_as_many_batches_choose_the_better_come_first() {
        // Both batches choose gene 3. Of those that one chooses, gene 0 has the higher scores, gene 1 the better rank.
        let scored = [
            vec![(0, 8.0), (1, f64::NAN), (2, 1.0), (3, 9.0)],
            vec![(0, 2.0), (1, 4.0), (3, 3.0)],
        ];
        let chosen = |n_top, among| highest_in_batches(&scored, (0..4).collect(), n_top, among);
        assert_eq!(chosen(2, AmongEquals::HigherScore), [0, 3]);
        assert_eq!(chosen(2, AmongEquals::LowerRank), [1, 3]);
        assert_eq!(chosen(9, AmongEquals::HigherScore), [0, 1, 2, 3]);
    }
}
