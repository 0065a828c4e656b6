//! Whether a run would replace the results of another input.

use std::{fs, path::Path};

use serde::Deserialize;

use super::WriteError;
use crate::read::{Inputs, Within};

/// What of `results/NAME.json` tells which input it is of.
#[derive(Deserialize)]
struct Earlier {
    /// The file as it was typed.
    data_set: String,
    /// Where it lies; earlier versions did not record it.
    input: Option<String>,
    #[serde(default)]
    parameters: EarlierParameters,
}

/// What of a run's parameters tells which cells it was of.
#[derive(Default, Deserialize)]
struct EarlierParameters {
    within: Option<String>,
}

/// Whether a run may replace what lies under its name: results of the same input, or none.
///
/// `results` is `results/NAME.json` of the data set `name`, which is read from `inputs`, of which a run may be of the cells `within` a group alone.
///
/// # Errors
/// [`WriteError::OtherInput`], unless results are to be overwritten. What is no result of a run is not looked at.
pub fn check_replaceable(
    results: &Path,
    name: &str,
    inputs: &Inputs,
    within: Option<&Within>,
    overwrite: bool,
) -> Result<(), WriteError> {
    let earlier = fs::read(results).ok();
    let earlier = earlier.and_then(|text| serde_json::from_slice::<Earlier>(&text).ok());
    let Some(earlier) = earlier.filter(|_| !overwrite) else {
        return Ok(());
    };
    let Earlier {
        input,
        data_set,
        parameters,
    } = earlier;
    let other = input.clone().unwrap_or_else(|| data_set.clone());
    // Earlier versions recorded the file as it was typed, and read no several.
    let place = input.unwrap_or_else(|| Inputs::from(data_set).places());
    let within = within.map(ToString::to_string);
    if place == inputs.places() && parameters.within == within {
        return Ok(());
    }
    Err(WriteError::OtherInput {
        path: results.to_owned(),
        name: name.to_owned(),
        other: cells_of(&other, parameters.within.as_deref()),
        input: cells_of(&inputs.to_string(), within.as_deref()),
    })
}

/// `FILE`, or `FILE (-within COLUMN=VALUE)`
fn cells_of(input: &str, within: Option<&str>) -> String {
    let within = within.map(|within| format!(" (-within {within})"));
    format!("{input}{}", within.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
                &config.inputs,
                config.within.as_ref(),
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
        check(folder, "/d/a.h5ad", &["-within", "celltype=T"]).expect_err("some of its cells");
        record(
            r#"{"data_set": "a.h5ad", "input": "/d/a.h5ad", "parameters": {"within": "celltype=T"}}"#,
        );
        check(folder, "/d/a.h5ad", &["-within", "celltype=T"]).expect("the same cells");
        let refused = check(folder, "/d/a.h5ad", &[]).expect_err("all cells");
        let refused = refused.to_string();
        assert!(refused.contains("(-within celltype=T)"), "{refused}");
        record("{}");
        check(folder, "e/a.h5ad", &[]).expect("no result of a run");
    }
}
