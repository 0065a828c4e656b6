//! How well labels find each true type.

use serde::Serialize;

use super::Truth;

/// Fewest cells of a type that counts for the mean.
const LEAST_CELLS: usize = 20;

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
        let mut both = vec![vec![0_usize; names.len()]; truth.names.len()];
        for (&label, code) in labels.iter().zip(&truth.codes) {
            if let Some(code) = code {
                both[*code][label] += 1;
            }
        }
        let sizes: Vec<usize> = (0..names.len())
            .map(|label| both.iter().map(|row| row[label]).sum())
            .collect();
        let of_type = |(row, name): (&Vec<usize>, &String)| {
            let cells: usize = row.iter().sum();
            // 2 · precision · recall / (precision + recall)
            let f1 = |label: usize| 2.0 * row[label] as f64 / (cells + sizes[label]).max(1) as f64;
            OneType {
                name: name.clone(),
                cells,
                best: (0..row.len()).map(f1).fold(0.0, f64::max),
                named: names.iter().position(|label| label == name).map(f1),
            }
        };
        let types: Vec<OneType> = both.iter().zip(&truth.names).map(of_type).collect();
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
