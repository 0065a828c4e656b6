//! What a run has said so far, for its report.

/// Notes and losses in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// Warnings and remarks.
    pub notes: Vec<String>,
    /// The losses of every training phase.
    pub curves: Vec<Curve>,
}

/// The losses of one training phase.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// Its name, such as `Pretraining`.
    pub phase: String,
    /// What is counted: `step` or `epoch`.
    pub unit: &'static str,
    /// Steps or epochs, from 1.
    pub epochs: Vec<usize>,
    /// Each loss with its name and a value for every epoch.
    pub losses: Vec<(String, Vec<f64>)>,
}

impl Said {
    /// A training phase begins: its place among the curves.
    pub(super) fn begin(&mut self, phase: &str, unit: &'static str) -> usize {
        self.curves.push(Curve {
            phase: phase.to_owned(),
            unit,
            ..Curve::default()
        });
        self.curves.len() - 1
    }

    /// The losses of an epoch. Every epoch of a phase has the same ones, in the same order.
    pub(super) fn add<'a>(
        &mut self,
        place: usize,
        epoch: usize,
        losses: impl Iterator<Item = (&'a str, f64)>,
    ) {
        let curve = &mut self.curves[place];
        curve.epochs.push(epoch);
        for (i, (name, value)) in losses.enumerate() {
            if i == curve.losses.len() {
                curve.losses.push((name.to_owned(), Vec::new()));
            }
            curve.losses[i].1.push(value);
        }
    }
}
