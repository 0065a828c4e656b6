//! The losses of training as charts.

use serde::Serialize;

use super::text;
use crate::progress::{Curve, Said};

/// Most points of a line.
const MOST_POINTS: usize = 400;

/// One loss of one training phase.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    title: String,
    unit: &'static str,
    steps: Vec<usize>,
    values: Vec<Option<f64>>,
}

/// A chart for every loss of every phase that had a step.
pub(super) fn charts(said: &Said) -> Vec<Chart> {
    let of_curve = |curve: &Curve| {
        let step = curve.epochs.len().div_ceil(MOST_POINTS).max(1);
        let last = curve.epochs.len().saturating_sub(1);
        let places: Vec<usize> = (0..=last)
            .filter(|place| place % step == 0 || *place == last)
            .collect();
        let chart = |(name, values): &(String, Vec<f64>)| Chart {
            title: text::name(&format!("{}: {}", curve.phase, loss(name))),
            unit: curve.unit,
            steps: places.iter().map(|&place| curve.epochs[place]).collect(),
            values: places
                .iter()
                .map(|&place| Some(values[place]).filter(|v| v.is_finite()))
                .collect(),
        };
        curve.losses.iter().map(chart).collect::<Vec<_>>()
    };
    said.curves.iter().flat_map(of_curve).collect()
}

/// What a loss is called on the page.
fn loss(name: &str) -> &str {
    match name {
        "ZINB" => "loss of reproduced counts (ZINB)",
        "graph" => "loss of the reproduced cell graph",
        "contrast" => "loss of neighbours told apart (contrast)",
        "KL" => "distance from the target clusters (KL)",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_are_thinned_and_keep_their_ends() {
        let said = Said {
            curves: vec![Curve {
                phase: "Pretraining".to_owned(),
                unit: "step",
                epochs: (1..=1000).collect(),
                losses: vec![("ZINB".to_owned(), (0..1000).map(f64::from).collect())],
            }],
            ..Said::default()
        };
        let [chart] = &charts(&said)[..] else {
            panic!("one chart")
        };
        assert!(chart.steps.len() <= MOST_POINTS + 1);
        assert_eq!(
            (chart.steps.first(), chart.steps.last()),
            (Some(&1), Some(&1000))
        );
        assert_eq!(chart.values.last(), Some(&Some(999.0)));
    }

    #[test]
    fn a_phase_without_steps_has_no_chart() {
        let said = Said {
            curves: vec![Curve::default()],
            ..Said::default()
        };
        assert!(charts(&said).is_empty());
    }
}
