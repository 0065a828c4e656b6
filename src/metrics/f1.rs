//! How well labels find each true type.

use serde::Serialize;

use super::Truth;

/// Fewest cells of a type that counts for the mean.
pub(crate) const LEAST_CELLS: usize = 20;

/// How many cells of every true type have every label; cells without a true type do not count.
pub(crate) struct TypeCounts {
    /// Types × labels.
    both: Vec<Vec<usize>>,
    /// Cells of every type.
    type_sizes: Vec<usize>,
    /// Cells of every label that have a type.
    label_sizes: Vec<usize>,
}

impl TypeCounts {
    /// Of `labels` below `n_labels`. O(n + types · labels).
    pub(crate) fn of(labels: &[usize], n_labels: usize, truth: &Truth) -> Self {
        let mut both = vec![vec![0_usize; n_labels]; truth.names.len()];
        for (&label, code) in labels.iter().zip(&truth.codes) {
            if let Some(code) = code {
                both[*code][label] += 1;
            }
        }
        let of_label = |label: usize| both.iter().map(|row| row[label]).sum();
        Self {
            type_sizes: both.iter().map(|row| row.iter().sum()).collect(),
            label_sizes: (0..n_labels).map(of_label).collect(),
            both,
        }
    }

    /// Cells of a type by label.
    pub(crate) fn of_type(&self, code: usize) -> &[usize] {
        &self.both[code]
    }

    /// Cells of a type.
    pub(crate) fn size(&self, code: usize) -> usize {
        self.type_sizes[code]
    }

    /// Cells with a label that have a type.
    pub(crate) fn labelled(&self, label: usize) -> usize {
        self.label_sizes[label]
    }

    /// 2 · precision · recall / (precision + recall) of a label for a type.
    pub(crate) fn f1(&self, code: usize, label: usize) -> f64 {
        let both = self.both[code][label] as f64;
        2.0 * both / (self.type_sizes[code] + self.label_sizes[label]).max(1) as f64
    }

    /// The highest F1 of any label for a type, and the first label that has it.
    pub(crate) fn best(&self, code: usize) -> (f64, usize) {
        (0..self.label_sizes.len())
            .map(|label| (self.f1(code, label), label))
            .fold(
                (0.0, 0),
                |best, new| if new.0 > best.0 { new } else { best },
            )
    }
}

/// F1 of labels against true types.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TypeF1 {
    /// Mean over the types of 20 cells or more of the best F1 of any label; `null` without such a type.
    pub best: Option<f64>,
    /// The same of the label with the type's own name; `null` where no label has the name of a type.
    pub named: Option<f64>,
    /// Every type.
    pub types: Vec<OneType>,
}

/// F1 of a type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OneType {
    /// The type.
    pub name: String,
    /// Its cells.
    pub cells: usize,
    /// The best F1 of any label.
    pub best: f64,
    /// F1 of the label with the same name; `null` where there is none.
    pub named: Option<f64>,
}

impl TypeF1 {
    /// F1 of `labels`, positions in `names`, against true types. Cells without a true type do not count. O(n + types · labels).
    #[must_use]
    pub fn of(labels: &[usize], names: &[String], truth: &Truth) -> Self {
        let counts = TypeCounts::of(labels, names.len(), truth);
        let of_type = |(code, name): (usize, &String)| {
            let label = names.iter().position(|label| label == name);
            OneType {
                name: name.clone(),
                cells: counts.size(code),
                best: counts.best(code).0,
                named: label.map(|label| counts.f1(code, label)),
            }
        };
        let types: Vec<OneType> = truth.names.iter().enumerate().map(of_type).collect();
        let counted: Vec<&OneType> = types
            .iter()
            .filter(|one| one.cells >= LEAST_CELLS)
            .collect();
        let mean = |f1: &dyn Fn(&OneType) -> f64| {
            let sum: f64 = counted.iter().map(|one| f1(one)).sum();
            (!counted.is_empty()).then(|| sum / counted.len() as f64)
        };
        let has_names = types.iter().any(|one| one.named.is_some());
        Self {
            best: mean(&|one| one.best),
            named: mean(&|one| one.named.unwrap_or(0.0)).filter(|_| has_names),
            types,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_label_of_a_type_by_hand() {
        let truth = Truth {
            names: ["a", "b"].map(String::from).to_vec(),
            codes: vec![Some(0), Some(0), Some(0), Some(1), None],
        };
        let counts = TypeCounts::of(&[0, 0, 1, 1, 1], 2, &truth);
        assert_eq!(
            (counts.of_type(0), counts.of_type(1)),
            (&[2, 1][..], &[0, 1][..])
        );
        assert_eq!((counts.size(0), counts.size(1)), (3, 1));
        assert_eq!((counts.labelled(0), counts.labelled(1)), (2, 2));
        let (a, b) = (counts.best(0), counts.best(1));
        assert!((a.0 - 4.0 / 5.0).abs() < 1e-12 && a.1 == 0);
        assert!((b.0 - 2.0 / 3.0).abs() < 1e-12 && b.1 == 1);
    }

    #[test]
    fn two_types_by_hand() {
        // 30 cells of a, 20 of b, 2 of c, one without a type.
        let mut codes = vec![Some(0); 30];
        codes.extend(vec![Some(1); 20]);
        codes.extend([Some(2), Some(2), None]);
        let truth = Truth {
            names: ["a", "b", "c"].map(String::from).to_vec(),
            codes,
        };
        let mut labels = vec![0; 25];
        labels.extend(vec![1; 25]);
        labels.extend([1, 1, 0]);
        let names = ["a", "x"].map(String::from);
        let f1 = TypeF1::of(&labels, &names, &truth);
        // a: 25 of 30 found, and no other called so. b: 20 of the 27 cells called x.
        let (a, b) = (50.0 / 55.0, 40.0 / 47.0);
        assert!((f1.best.expect("types") - f64::midpoint(a, b)).abs() < 1e-12);
        assert!((f1.named.expect("a name") - a / 2.0).abs() < 1e-12);
        assert_eq!((f1.types[2].cells, f1.types[2].named), (2, None));
    }
}
