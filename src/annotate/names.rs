//! The users' names of a model's clusters.

use std::{collections::BTreeMap, path::Path};

use super::AnnotateError;
use crate::read::separator;

/// Names of `n_clusters` clusters: their numbers, or where a table is given what stands there beside them.
///
/// The table has a header, clusters in the first column and names in the second, with commas, semicolons or tabs between.
/// Clusters that it does not list keep their numbers, which no other may then be called.
///
/// # Errors
/// Where the table cannot be read, has no header, or lists no cluster, what is none of the model, or a name that is the number of a
/// cluster that it does not list.
pub fn names_of_clusters(
    table: Option<&Path>,
    n_clusters: usize,
) -> Result<Vec<String>, AnnotateError> {
    let mut names: Vec<String> = (0..n_clusters).map(|cluster| cluster.to_string()).collect();
    let Some(path) = table else {
        return Ok(names);
    };
    let listed = read(path, n_clusters)?;
    for (&cluster, name) in &listed {
        let other = name.parse().ok().filter(|other| *other < n_clusters);
        if let Some(other) = other.filter(|other| !listed.contains_key(other)) {
            let problem = format!(
                "calls cluster {cluster} '{name}', as cluster {other} is called that it does not list: give that one a name too"
            );
            return Err(refused(path, problem));
        }
        names[cluster].clone_from(name);
    }
    Ok(names)
}

/// Some of so many clusters, and their names.
fn read(path: &Path, n_clusters: usize) -> Result<BTreeMap<usize, String>, AnnotateError> {
    let text = std::fs::read_to_string(path).map_err(|error| refused(path, error.to_string()))?;
    let mut lines = text.lines().map(str::as_bytes);
    let (first, second) = (lines.next(), lines.next());
    let mut table = csv::ReaderBuilder::new()
        .delimiter(separator(
            first.unwrap_or_default(),
            second.unwrap_or_default(),
        ))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = table.headers();
    let header = header.map_err(|error| refused(path, error.to_string()))?;
    if let Some(number) = header.get(0).filter(|field| field.parse::<usize>().is_ok()) {
        let problem = format!(
            "its first line is that of cluster {number}, where the header should be: add the line cluster,name above it"
        );
        return Err(refused(path, problem));
    }
    let mut found = BTreeMap::new();
    for row in table.records() {
        let row = row.map_err(|error| refused(path, error.to_string()))?;
        match (row.get(0), row.get(1)) {
            (Some(cluster), Some(name)) if !name.is_empty() => {
                let known = cluster.parse().ok();
                let Some(cluster) = known.filter(|cluster| *cluster < n_clusters) else {
                    let last = n_clusters.saturating_sub(1);
                    let problem =
                        format!("lists '{cluster}', but the model's clusters are 0 to {last}");
                    return Err(refused(path, problem));
                };
                if found.insert(cluster, name.to_owned()).is_some() {
                    return Err(refused(path, format!("lists cluster {cluster} twice")));
                }
            }
            _ => return Err(refused(path, "has a row without a name".to_owned())),
        }
    }
    if found.is_empty() {
        let problem = "lists no cluster: was it written to its end?";
        return Err(refused(path, problem.to_owned()));
    }
    Ok(found)
}

fn refused(path: &Path, problem: String) -> AnnotateError {
    AnnotateError::Names {
        path: path.to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(table: &str) -> Result<Vec<String>, AnnotateError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("names.csv");
        std::fs::write(&path, table).expect("written");
        names_of_clusters(Some(&path), 3)
    }

    #[test]
    fn clusters_get_the_names_of_the_table() {
        assert_eq!(names_of_clusters(None, 2).expect("numbers"), ["0", "1"]);
        let found = names("cluster,name\n2,T cells\n0,\"B, naive\"\n").expect("names");
        assert_eq!(found, ["B, naive", "1", "T cells"]);
        let turned = names("cluster,name\n0,1\n1,0\n").expect("names");
        assert_eq!(turned, ["1", "0", "2"]);
        for table in [
            "cluster\tname\n1\tNK\n",
            "cluster;name\n1;NK\n",
            "cluster;name\r\n1;NK\r\n0;B, naive\r\n",
        ] {
            assert_eq!(names(table).expect("names")[1], "NK", "{table}");
        }
    }

    #[test]
    fn what_is_no_cluster_is_refused() {
        for (table, problem) in [
            ("cluster,name\n3,NK\n", "clusters are 0 to 2"),
            ("cluster,name\n1,NK\n1,T\n", "twice"),
            ("cluster,name\n1,NK\n01,T\n", "twice"),
            ("cluster,name\n0,1\n1,2\n", "as cluster 2 is called"),
            ("cluster,name\n1,\n", "without a name"),
            ("cluster,name\n", "lists no cluster"),
            ("", "lists no cluster"),
            ("0,B cells\n1,NK\n", "that of cluster 0, where the header"),
            ("2\tB cells\n", "that of cluster 2, where the header"),
        ] {
            let refusal = names(table).expect_err("refused").to_string();
            assert!(refusal.contains(problem), "{refusal}");
        }
    }
}
