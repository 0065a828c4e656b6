//! Each cluster's marker genes as a table.

use std::path::Path;

use super::{WriteError, write_file};
use crate::{
    markers::Marker,
    output_table::{Column, TableFormat, Values},
};

/// Writes one row per cluster and marker, in the order of `markers`, which holds each cluster's. The columns are named as in
/// scanpy's `get.rank_genes_groups_df`.
/// `names` are those of all genes of the file; `symbols`, where `var` has them besides, its column and the texts: a column
/// of that name follows. Where cells are in batches, the last column says in how many of them the cluster was compared. Scores
/// and fold changes have the precision of `f32`, as scanpy's have.
pub fn write_markers(
    path: &Path,
    format: TableFormat,
    markers: &[Vec<Marker>],
    names: &[String],
    symbols: Option<(&str, &[String])>,
) -> Result<(), WriteError> {
    let clusters = markers.iter().enumerate();
    let rows: Vec<(usize, &Marker)> = clusters
        .flat_map(|(cluster, markers)| markers.iter().map(move |marker| (cluster, marker)))
        .collect();
    let columns = columns(&rows, names, symbols);
    write_file(path, |path| format.write(path, &columns, rows.len()))
}

fn columns<'a>(
    rows: &'a [(usize, &'a Marker)],
    names: &'a [String],
    symbols: Option<(&'a str, &'a [String])>,
) -> Vec<Column<'a>> {
    let of = |row: usize| rows[row].1;
    let float =
        |value: fn(&Marker) -> f64| Values::Float(Box::new(move |row| value(of(row)) as f32));
    let share = |value: fn(&Marker) -> f64| Values::Double(Box::new(move |row| value(of(row))));
    let p = |value: fn(&Marker) -> f64| Values::Exponent(Box::new(move |row| value(of(row))));
    let text = |texts: &'a [String]| Values::Text(Box::new(move |row| Some(&texts[of(row).gene])));
    let mut columns = vec![
        Column::new("group", Values::Whole(Box::new(|row| rows[row].0 as i64))),
        Column::new("names", text(names)),
        Column::new("scores", float(|marker| marker.score)),
        Column::new("logfoldchanges", float(|marker| marker.log_fold_change)),
        Column::new("pvals", p(|marker| marker.p)),
        Column::new("pvals_adj", p(|marker| marker.p_adjusted)),
        Column::new("pct_nz_group", share(|marker| marker.share_in)),
        Column::new("pct_nz_reference", share(|marker| marker.share_out)),
    ];
    columns.extend(symbols.map(|(column, symbols)| Column::new(column, text(symbols))));
    if rows.iter().any(|(_, marker)| marker.n_batches.is_some()) {
        let n_batches = move |row: usize| of(row).n_batches.unwrap_or_default() as i64;
        columns.push(Column::new("n_batches", Values::Whole(Box::new(n_batches))));
    }
    columns
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
        write_markers(&path, TableFormat::Csv, &markers, &names, None).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        let expected = "group,names,scores,logfoldchanges,pvals,pvals_adj,pct_nz_group,pct_nz_reference\n\
                        1,Mbp,0.1,-2.5,1e-300,2.5e-1,1,0\n";
        assert_eq!(text, expected);
        let symbols = ["GAD1", "MBP"].map(String::from);
        let beside = Some(("feature_name", &symbols[..]));
        write_markers(&path, TableFormat::Csv, &markers, &names, beside).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains(",feature_name\n"), "{text}");
        assert!(text.ends_with(",1,0,MBP\n"), "{text}");
        let in_batches = Marker {
            n_batches: Some(2),
            ..markers[1][0].clone()
        };
        write_markers(&path, TableFormat::Csv, &[vec![in_batches]], &names, beside)
            .expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains(",feature_name,n_batches\n"), "{text}");
        assert!(text.ends_with(",1,0,MBP,2\n"), "{text}");
    }
}
