//! Whether a run would replace the results of another input.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::WriteError;

/// What of `results/NAME.json` tells which input it is of.
#[derive(Deserialize)]
struct Earlier {
    /// The file as it was typed.
    data_set: String,
    /// Where it lies; earlier versions did not record it.
    input: Option<PathBuf>,
}

/// Whether a run may replace what lies under its name: results of the same input, or none.
///
/// `results` is `results/NAME.json` of the data set `name`, which is read from `input`.
///
/// # Errors
/// [`WriteError::OtherInput`], unless results are to be overwritten. What is no result of a run is not looked at.
pub fn check_replaceable(
    results: &Path,
    name: &str,
    input: &Path,
    overwrite: bool,
) -> Result<(), WriteError> {
    let earlier = fs::read(results).ok();
    let earlier = earlier.and_then(|text| serde_json::from_slice::<Earlier>(&text).ok());
    let Some(earlier) = earlier.filter(|_| !overwrite) else {
        return Ok(());
    };
    let other = earlier.input.unwrap_or_else(|| earlier.data_set.into());
    if place(&other) == place(input) {
        return Ok(());
    }
    Err(WriteError::OtherInput {
        path: results.to_owned(),
        name: name.to_owned(),
        other,
        input: input.to_owned(),
    })
}

/// Where a file lies, from the root on; links are followed where it is there.
pub(crate) fn place(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.canonicalize().unwrap_or_else(|_| absolute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{Request, parse},
        write::OutputPaths,
    };

    fn check(folder: &Path, name: &str, more: &[&str]) -> Result<(), WriteError> {
        let out = folder.to_str().expect("text");
        let typed = ["a", "-name", name, "-output_name", "x", "-output_dir", out];
        let typed = typed.iter().chain(more).map(Into::into);
        match parse(typed) {
            Ok(Request::Run(config)) => check_replaceable(
                &OutputPaths::of(&config).results(),
                &config.name,
                &config.input,
                config.overwrite,
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn results_of_another_input_are_kept_and_those_of_the_same_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        check(folder, "d/a.h5ad", &[]).expect("nothing is there");
        fs::create_dir(folder.join("results")).expect("a folder");
        let record = |text: &str| fs::write(folder.join("results/x.json"), text).expect("a file");
        record(r#"{"data_set": "d/a.h5ad"}"#);
        check(folder, "d/a.h5ad", &[]).expect("the same input");
        check(folder, "./d/a.h5ad", &[]).expect("the same input, typed otherwise");
        let refused = check(folder, "e/a.h5ad", &[])
            .expect_err("another input")
            .to_string();
        assert!(refused.contains("of d/a.h5ad"), "{refused}");
        assert!(refused.contains("-overwrite True"), "{refused}");
        check(folder, "e/a.h5ad", &["-overwrite"]).expect("asked for");
        record(r#"{"data_set": "a.h5ad", "input": "/d/a.h5ad"}"#);
        check(folder, "/d/a.h5ad", &[]).expect("the same input");
        record("{}");
        check(folder, "e/a.h5ad", &[]).expect("no result of a run");
    }
}
