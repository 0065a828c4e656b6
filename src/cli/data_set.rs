//! Data sets by name or by path.

use std::{
    env,
    path::{Path, PathBuf, is_separator},
};

use crate::read::{holds_matrix, matrix_of, sample_of};

/// A data set's name and its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DataSet {
    pub name: String,
    pub path: PathBuf,
}

/// The endings of the formats that are read, and of their compression.
const ENDINGS: [&str; 11] = [
    ".zip", ".gz", ".h5ad", ".h5mu", ".h5", ".loom", ".zarr", ".mtx", ".csv", ".tsv", ".txt",
];

/// The data set that the user typed: a path if it has a separator, or if it is a file of a known ending
/// in the working folder; else a name in `data_dir`; else, where only that is there, a path after all.
/// A missing `.h5ad` is added.
pub(crate) fn find(typed: &str, data_dir: &Path) -> Result<DataSet, String> {
    let path = expanded(typed)?;
    let name = name_at(&path)?;
    let with_ending = if has_ending(typed) {
        path.clone()
    } else {
        PathBuf::from(format!("{}.h5ad", path.display()))
    };
    let path = if typed.contains(is_separator) {
        if path.exists() { path } else { with_ending }
    } else {
        let below = |path: &Path| data_dir.join(path);
        let here = [path.clone()].into_iter().filter(|_| has_ending(typed));
        let places = here.chain([below(&with_ending), below(&path), path]);
        let found = places.into_iter().find(|path| is_input(path));
        found.unwrap_or_else(|| below(&with_ending))
    };
    let path = matrix_of(&path);
    Ok(DataSet { name, path })
}

/// What programs that download know as a place.
const SCHEMES: [&str; 6] = ["http://", "https://", "ftp://", "s3://", "gs://", "gcs://"];

/// The path that was typed, `~` being the user's folder. A place on the network, or standard input, is not a path.
pub(super) fn expanded(typed: &str) -> Result<PathBuf, String> {
    let lower = typed.to_lowercase();
    if SCHEMES.iter().any(|scheme| lower.starts_with(scheme)) {
        let is_store = ["s3://", "gs://", "gcs://"]
            .iter()
            .any(|store| lower.starts_with(store));
        let load = if is_store {
            "with the tools of that store".to_owned()
        } else {
            format!("curl -L -O \"{typed}\"")
        };
        return Err(format!(
            "this is a place on the network; download it first: {load}"
        ));
    }
    if typed == "-" {
        return Err("standard input cannot be read; save the data to a file first".to_owned());
    }
    let rest = typed.strip_prefix("~/").or((typed == "~").then_some(""));
    Ok(match (rest, env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(typed),
    })
}

/// The name of the data set that a raw file or a typed name becomes.
pub(super) fn name_of(typed: &str) -> Result<String, String> {
    name_at(&expanded(typed)?)
}

/// The name of the data set at a path: that of the sample, where the file is called as those of every sample are.
fn name_at(path: &Path) -> Result<String, String> {
    let plain = |name: &str| without_endings(name).to_owned();
    let is_path = path.components().count() > 1 || path.exists();
    match sample_of(path, plain).filter(|_| is_path) {
        Some(sample) => Ok(sample),
        None => stem(path),
    }
}

/// Checks a name that is to become a file name.
pub(super) fn file_name(typed: &str) -> Result<String, String> {
    match stem(Path::new(typed))? {
        name if typed.contains(is_separator) => {
            Err(format!("this must be a name, not a path; try {name}"))
        }
        name => Ok(name),
    }
}

/// The file name less the endings of the formats that are read.
fn stem(path: &Path) -> Result<String, String> {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let name = name.as_deref().unwrap_or_default();
    match without_endings(name) {
        "" | "." | ".." => Err("must name a data set".to_owned()),
        name => Ok(name.to_owned()),
    }
}

fn without_endings(mut name: &str) -> &str {
    while let Some(shorter) = ENDINGS.iter().find_map(|end| name.strip_suffix(end)) {
        name = shorter;
    }
    name
}

/// A folder may be an input, but one that only has the name, as a folder of outputs may, is none.
fn is_input(path: &Path) -> bool {
    path.is_file() || holds_matrix(path)
}

fn has_ending(typed: &str) -> bool {
    ENDINGS.iter().any(|ending| typed.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str) -> (String, String) {
        let set = find(typed, Path::new("Data/AnnData")).expect("a data set");
        (set.name, set.path.display().to_string())
    }

    #[test]
    fn a_name_lies_in_the_data_folder() {
        let expected = ("zeisel".to_owned(), "Data/AnnData/zeisel.h5ad".to_owned());
        assert_eq!(found("zeisel"), expected);
        assert_eq!(found("zeisel.h5ad"), expected);
        assert_eq!(found("zeisel.v2").1, "Data/AnnData/zeisel.v2.h5ad");
    }

    #[test]
    fn a_path_stays() {
        let expected = ("mouse".to_owned(), "../sets/mouse.h5ad".to_owned());
        assert_eq!(found("../sets/mouse.h5ad"), expected);
        assert_eq!(found("../sets/mouse"), expected);
    }

    #[test]
    fn a_file_without_the_ending_is_taken_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("counts");
        std::fs::write(&path, "").expect("a file");
        let typed = path.to_str().expect("text");
        assert_eq!(found(typed), ("counts".to_owned(), typed.to_owned()));
    }

    #[test]
    fn any_format_is_found_by_its_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = folder.path().join("AnnData");
        for below in ["outs/filtered_feature_bc_matrix", "AnnData/pbmc"] {
            std::fs::create_dir_all(folder.path().join(below)).expect("a folder");
        }
        std::fs::create_dir(data_dir.join("outputs")).expect("a folder");
        for below in ["brain.tsv.gz", "pbmc/matrix.mtx"] {
            std::fs::write(data_dir.join(below), "").expect("a file");
        }
        let typed = folder.path().join("outs/filtered_feature_bc_matrix/");
        let set = find(typed.to_str().expect("text"), &data_dir).expect("a data set");
        assert_eq!(
            (set.name.as_str(), set.path),
            (
                folder
                    .path()
                    .file_name()
                    .unwrap_or_default()
                    .to_str()
                    .unwrap_or_default(),
                typed
            )
        );
        for (typed, name, found) in [
            ("pbmc", "pbmc", "pbmc"),
            ("brain.tsv.gz", "brain", "brain.tsv.gz"),
            ("outputs", "outputs", "outputs.h5ad"),
        ] {
            let set = find(typed, &data_dir).expect("a data set");
            assert_eq!((set.name.as_str(), set.path), (name, data_dir.join(found)));
        }
    }

    #[test]
    fn nothing_is_no_name() {
        for typed in ["", ".h5ad", "/", "a/..", "."] {
            assert!(find(typed, Path::new("Data")).is_err(), "{typed}");
        }
    }

    #[test]
    fn a_raw_file_gives_its_name() {
        for typed in ["Baron", "Baron.h5", "raw/Baron.zip", "../Baron.h5.zip"] {
            assert_eq!(name_of(typed), Ok("Baron".to_owned()), "{typed}");
        }
        assert!(name_of("raw/..").is_err());
    }

    #[test]
    fn an_output_name_is_no_path() {
        assert_eq!(file_name("baron_mouse"), Ok("baron_mouse".to_owned()));
        assert_eq!(file_name("baron.h5ad"), Ok("baron".to_owned()));
        let refusal = file_name("sets/baron").expect_err("a path");
        assert_eq!(refusal, "this must be a name, not a path; try baron");
    }
}
