//! Each cluster's marker genes as a table.

use std::path::Path;

use super::{WriteError, write_file};
use crate::markers::Marker;

/// The columns, named as in scanpy's `get.rank_genes_groups_df`.
const COLUMNS: [&str; 8] = [
    "group",
    "names",
    "scores",
    "logfoldchanges",
    "pvals",
    "pvals_adj",
    "pct_nz_group",
    "pct_nz_reference",
];

/// The last column where cells are in batches: in how many of them the cluster was compared.
const BATCHES: &str = "n_batches";

/// Writes one line per cluster and marker, in the order of `markers`, which holds each cluster's.
/// `names` are those of all genes of the file; `symbols`, where `var` has them besides, its column and the texts: a column
/// of that name follows. Where cells are in batches, `n_batches` is the last column. Scores and fold changes have the precision of `f32`, as
/// scanpy's have.
pub fn write_markers(
    path: &Path,
    markers: &[Vec<Marker>],
    names: &[String],
    symbols: Option<(&str, &[String])>,
) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), csv::Error> {
        let mut table = csv::Writer::from_path(path)?;
        let beside = symbols.map(|(column, _)| column);
        let mut all = markers.iter().flatten();
        let last = all
            .any(|marker| marker.n_batches.is_some())
            .then_some(BATCHES);
        table.write_record(COLUMNS.into_iter().chain(beside).chain(last))?;
        for (cluster, markers) in markers.iter().enumerate() {
            for marker in markers {
                let values = [
                    cluster.to_string(),
                    names[marker.gene].clone(),
                    (marker.score as f32).to_string(),
                    (marker.log_fold_change as f32).to_string(),
                    format!("{:e}", marker.p),
                    format!("{:e}", marker.p_adjusted),
                    marker.share_in.to_string(),
                    marker.share_out.to_string(),
                ];
                let symbol = symbols.map(|(_, symbols)| &symbols[marker.gene]);
                let n_batches = marker.n_batches.map(|n_batches| n_batches.to_string());
                table.write_record(values.iter().chain(symbol).chain(&n_batches))?;
            }
        }
        Ok(table.flush()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_a_cluster_and_a_gene() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("markers/x.csv");
        let marker = Marker {
            gene: 1,
            score: 0.1,
            log_fold_change: -2.5,
            p: 1e-300,
            p_adjusted: 0.25,
            share_in: 1.0,
            share_out: 0.0,
            n_batches: None,
        };
        let names = ["Gad1", "Mbp"].map(String::from);
        let markers = [vec![], vec![marker]];
        write_markers(&path, &markers, &names, None).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        let expected = format!("{}\n1,Mbp,0.1,-2.5,1e-300,2.5e-1,1,0\n", COLUMNS.join(","));
        assert_eq!(text, expected);
        let symbols = ["GAD1", "MBP"].map(String::from);
        let beside = Some(("feature_name", &symbols[..]));
        write_markers(&path, &markers, &names, beside).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains(",feature_name\n"), "{text}");
        assert!(text.ends_with(",1,0,MBP\n"), "{text}");
        let in_batches = Marker {
            n_batches: Some(2),
            ..markers[1][0].clone()
        };
        write_markers(&path, &[vec![in_batches]], &names, beside).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains(",feature_name,n_batches\n"), "{text}");
        assert!(text.ends_with(",1,0,MBP,2\n"), "{text}");
    }
}
