//! What the cells' totals tell of the input.

/// A droplet with fewer counts than this holds no cell.
const EMPTY: f32 = 10.0;
/// With more such droplets than this share, an input looks unfiltered.
const MOST_EMPTY: f64 = 0.2;
/// Cells with less than this share of the 99th percentile are far below it …
const FAR_BELOW: f32 = 0.02;
/// … and an input looks unfiltered with more of them than this share.
const MOST_FAR_BELOW: f64 = 0.5;
/// What counts are usually scaled to.
const TARGETS: [f32; 3] = [1e6, 1e5, 1e4];
/// Rounding to whole numbers moves a total by less than this share …
const ROUNDING: f32 = 0.05;
/// … in this share of the cells.
const ALMOST_ALL: f64 = 0.95;

/// Notes on totals of the cells that have counts, out of `n_cells` in the file. Costs a sort.
#[must_use]
pub fn notes_on_totals(totals: &[f32], n_cells: usize) -> Vec<String> {
    let mut sorted = totals.to_vec();
    sorted.sort_by(f32::total_cmp);
    [unfiltered(&sorted, n_cells), scaled(&sorted)]
        .into_iter()
        .flatten()
        .collect()
}

/// A note where the input looks as before droplets without a cell were taken out: a fifth of the droplets has fewer than
/// 10 counts, or half of those with counts have less than a fiftieth of the 99th percentile.
fn unfiltered(sorted: &[f32], n_cells: usize) -> Option<String> {
    let below = |limit: f32| sorted.partition_point(|&total| total < limit);
    let most = percentile_99(sorted)?;
    let n_empty = below(EMPTY) + n_cells.saturating_sub(sorted.len());
    let n_far_below = below(FAR_BELOW * most);
    let (n, limit) = if n_empty as f64 > MOST_EMPTY * n_cells as f64 {
        (n_empty, EMPTY)
    } else if n_far_below as f64 > MOST_FAR_BELOW * sorted.len() as f64 {
        (n_far_below, (FAR_BELOW * most).ceil())
    } else {
        return None;
    };
    let cells = &sorted[below(limit)..];
    let advised = percentile_99(cells).map_or(EMPTY, |most| one_digit(most / 10.0));
    Some(format!(
        "{n} of {n_cells} cells have fewer than {limit} counts: the input looks unfiltered, with empty droplets among \
         the cells; read the filtered matrix, or leave them out, as with -min_counts {advised}"
    ))
}

/// A note where all totals are the same round number: counts per million, say, rounded to whole numbers.
fn scaled(sorted: &[f32]) -> Option<String> {
    let share_within = |target: f32| {
        let from = sorted.partition_point(|&total| total < target * (1.0 - ROUNDING));
        let to = sorted.partition_point(|&total| total <= target * (1.0 + ROUNDING));
        (to - from) as f64 / sorted.len().max(1) as f64
    };
    let is_scaled = |target: &&f32| sorted.len() >= 10 && share_within(**target) >= ALMOST_ALL;
    let target = TARGETS.iter().find(is_scaled)?;
    Some(format!(
        "nearly every cell has a total of {target}: these look like TPM or other scaled values, rounded to whole \
         numbers, not like raw counts"
    ))
}

fn percentile_99(sorted: &[f32]) -> Option<f32> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((0.99 * last as f64).round() as usize).copied()
}

/// A number rounded to one digit that is not 0.
fn one_digit(number: f32) -> f32 {
    let magnitude = 10_f32.powf(number.max(1.0).log10().floor());
    (number / magnitude).round() * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_droplets_are_noted_and_small_cells_are_not() {
        let mut droplets = vec![1.0; 6000];
        droplets.extend((0..300).map(|cell| 2000.0 + cell as f32));
        let notes = notes_on_totals(&droplets, 20_000);
        let expected = "19700 of 20000 cells have fewer than 10 counts: the input looks unfiltered";
        assert!(notes[0].starts_with(expected), "{notes:?}");
        assert!(notes[0].ends_with("-min_counts 200"), "{notes:?}");
        let mut ambient = vec![30.0; 600];
        ambient.extend((0..300).map(|cell| 3000.0 + cell as f32));
        assert!(notes_on_totals(&ambient, 900)[0].contains("600 of 900 cells"));
        // A kidney whose cells have from 10 to 6000 counts, a quarter of them below a fiftieth of the most.
        let kidney: Vec<f32> = (0..1000).map(|cell| 10.0 * 1.0064_f32.powi(cell)).collect();
        assert_eq!(notes_on_totals(&kidney, 1000), [""; 0]);
    }

    #[test]
    fn equal_round_totals_are_noted() {
        let million: Vec<f32> = (0..50)
            .map(|cell| 1e6 - 1000.0 * cell as f32 / 5.0)
            .collect();
        assert!(notes_on_totals(&million, 50)[0].contains("a total of 1000000"));
        let counts: Vec<f32> = (0..50).map(|cell| 9000.0 + 100.0 * cell as f32).collect();
        assert_eq!(notes_on_totals(&counts, 50), [""; 0]);
        assert_eq!(notes_on_totals(&[], 0), [""; 0]);
    }
}
