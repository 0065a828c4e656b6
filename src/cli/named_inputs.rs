//! The inputs of a data set, by name or by path.

use std::{
    collections::HashSet,
    env,
    path::{Path, PathBuf, is_separator},
};

use crate::{
    names::make_unique,
    read::{InputFile, Inputs, NamedInputs, holds_matrix, matrix_of, sample_of},
};

/// Longest name that is put together of others, in characters: outputs add endings to it.
const LONGEST_NAME: usize = 100;

/// Longest name of a data set with outputs, in bytes. File systems take 255, of which `_statistics_mqc.json`, the longest ending of an
/// output, takes 20; what an output is called until it is complete takes a few more.
const MOST_BYTES: usize = 200;

/// The endings of the formats that are read, and of their compression.
const ENDINGS: [&str; 11] = [
    ".zip", ".gz", ".h5ad", ".h5mu", ".h5", ".loom", ".zarr", ".mtx", ".csv", ".tsv", ".txt",
];

/// The data set that the user typed: an input, or several with commas between. A comma in the name of a file or a folder
/// that is there parts nothing.
pub(crate) fn find(typed: &str, data_dir: &Path) -> Result<NamedInputs, String> {
    let found = parts(typed, data_dir)
        .into_iter()
        .map(|part| find_one(part, data_dir));
    joined(found.collect::<Result<_, _>>()?)
}

/// The data set of one or more inputs, which is called after all of them. Their names are made unique.
pub(super) fn joined(mut files: Vec<InputFile>) -> Result<NamedInputs, String> {
    let mut paths = HashSet::new();
    if let Some(twice) = files.iter().find(|file| !paths.insert(&file.path)) {
        return Err(format!("names {} twice", twice.path.display()));
    }
    let mut names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    make_unique(&mut names);
    let mut name = names.join("+");
    if let [first, _, ..] = &names[..]
        && name.chars().count() > LONGEST_NAME
    {
        name = format!("{first}+{}_others", names.len() - 1);
    }
    for (file, unique) in files.iter_mut().zip(names) {
        file.name = unique;
    }
    Ok(NamedInputs {
        name,
        inputs: Inputs::new(files),
    })
}

/// The inputs that commas part: from the left, each as long as there is such an input.
fn parts<'a>(typed: &'a str, data_dir: &Path) -> Vec<&'a str> {
    let commas = typed.match_indices(',').map(|(at, _)| at);
    let ends: Vec<usize> = commas.chain([typed.len()]).collect();
    let is_there = |part: &str| find_one(part, data_dir).is_ok_and(|file| file.path.exists());
    let mut parts = Vec::new();
    let (mut start, mut next) = (0, 0);
    while next < ends.len() {
        let whole = (next + 1..ends.len())
            .rev()
            .find(|&end| is_there(&typed[start..ends[end]]));
        let end = whole.unwrap_or(next);
        parts.push(&typed[start..ends[end]]);
        (start, next) = (ends[end] + 1, end + 1);
    }
    parts
}

/// The input that the user typed: a path if it has a separator, or if it is a file of a known ending
/// in the working folder; else a name in `data_dir`; else, where only that is there, a path after all. Where nothing is
/// found and there is no `data_dir`, a file was meant. A missing `.h5ad` is added.
fn find_one(typed: &str, data_dir: &Path) -> Result<InputFile, String> {
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
        let places = here.chain([below(&with_ending), below(&path), path.clone()]);
        let instead = if has_ending(typed) && !data_dir.is_dir() {
            path.clone()
        } else {
            below(&with_ending)
        };
        let found = places.into_iter().find(|path| is_input(path));
        found.unwrap_or(instead)
    };
    let path = matrix_of(&path);
    Ok(InputFile { name, path })
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

/// Checks that outputs can have this name; `shorter` says what gives them a shorter one.
pub(super) fn check_length(name: &str, shorter: &str) -> Result<(), String> {
    if name.len() <= MOST_BYTES {
        return Ok(());
    }
    Err(format!(
        "outputs are called after the data set, and its name of {} bytes is too long for that ({MOST_BYTES} at most); {shorter}",
        name.len()
    ))
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
        (set.name, set.inputs.to_string())
    }

    #[test]
    fn a_name_lies_in_the_data_folder() {
        let expected = ("zeisel".to_owned(), "Data/AnnData/zeisel.h5ad".to_owned());
        assert_eq!(found("zeisel"), expected);
        assert_eq!(found("zeisel.h5ad"), expected);
        assert_eq!(found("zeisel.v2").1, "Data/AnnData/zeisel.v2.h5ad");
    }

    #[test]
    fn without_a_data_folder_a_file_was_meant() {
        let found = |typed| find(typed, Path::new("no/folder")).map(|set| set.inputs.to_string());
        assert_eq!(found("zesel.h5ad"), Ok("zesel.h5ad".to_owned()));
        assert_eq!(found("zesel"), Ok("no/folder/zesel.h5ad".to_owned()));
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
            (set.name.as_str(), set.inputs.to_string()),
            (
                folder
                    .path()
                    .file_name()
                    .unwrap_or_default()
                    .to_str()
                    .unwrap_or_default(),
                typed.display().to_string()
            )
        );
        for (typed, name, found) in [
            ("pbmc", "pbmc", "pbmc"),
            ("brain.tsv.gz", "brain", "brain.tsv.gz"),
            ("outputs", "outputs", "outputs.h5ad"),
        ] {
            let set = find(typed, &data_dir).expect("a data set");
            let expected = data_dir.join(found).display().to_string();
            assert_eq!(
                (set.name.as_str(), set.inputs.to_string()),
                (name, expected)
            );
        }
    }

    #[test]
    fn commas_part_inputs_unless_they_are_in_a_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.h5ad", "b.csv", "c,d.h5ad"] {
            std::fs::write(folder.path().join(name), "").expect("a file");
        }
        let found = |typed: &str| {
            let set = find(typed, folder.path()).expect("a data set");
            let names = set.inputs.files().iter().map(|file| file.name.clone());
            (set.name.clone(), names.collect::<Vec<_>>())
        };
        let both = ["a", "b"].map(str::to_owned).to_vec();
        assert_eq!(found("a,b.csv"), ("a+b".to_owned(), both));
        let comma = ["c,d", "a"].map(str::to_owned).to_vec();
        assert_eq!(found("c,d,a"), ("c,d+a".to_owned(), comma));
        assert_eq!(found("c,d"), ("c,d".to_owned(), vec!["c,d".to_owned()]));
        assert_eq!(found("x/a,y/a").1, ["a", "a-1"]);
        let long = "n".repeat(100);
        let name = found(&format!("a,{long},b.csv")).0;
        assert_eq!(name, "a+2_others");
        for typed in ["a,a", "a,a.h5ad", "a,", ",a"] {
            assert!(find(typed, folder.path()).is_err(), "{typed}");
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
