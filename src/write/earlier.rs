//! Whether outputs would replace those of another input, or of another command.

use std::{fs, io, path::Path};

use serde::Deserialize;

use super::{OutputPaths, WriteError, claim::Claim, left::EarlierOutputs};
use crate::{
    config::RunConfig,
    read::{Inputs, Within},
};

/// What writes outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A run by itself.
    Run,
    /// A run that `batch` starts.
    RunOfBatch,
    /// `annotate`.
    Annotate,
}

/// Outputs that are to take the place of those that lie under their name.
#[derive(Debug, Clone)]
pub struct Replacement<'a> {
    /// Where they go.
    pub paths: OutputPaths,
    /// What writes them.
    pub by: Writer,
    /// What they are of.
    pub inputs: &'a Inputs,
    /// The group of its cells that they are of; all cells where `None`.
    pub within: Option<&'a Within>,
    /// Results of another input, and of another command, are replaced.
    pub overwrite: bool,
}

/// Outputs that are being written: until it is dropped, no other process writes any of this name.
#[derive(Debug)]
pub struct Begun {
    earlier: EarlierOutputs,
    _claim: Claim,
}

/// What may lie at `results/NAME.json`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Earlier {
    /// The record of a batch run, where NAME is `batch`.
    Batch(Vec<EarlierRecord>),
    /// The results of one data set.
    One(EarlierResults),
}

/// What of an element of a batch run's record tells that it is one.
#[derive(Deserialize)]
struct EarlierRecord {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "status")]
    _status: String,
}

/// What of the results of one data set tells which input they are of, and what wrote them.
#[derive(Deserialize)]
struct EarlierResults {
    /// The file as it was typed.
    data_set: String,
    /// Where it lies; earlier versions did not record it.
    input: Option<String>,
    /// What labels are, which `annotate` alone records.
    label_by: Option<String>,
    #[serde(default)]
    parameters: EarlierParameters,
}

/// What of a run's parameters tells which cells it was of.
#[derive(Default, Deserialize)]
struct EarlierParameters {
    within: Option<String>,
}

impl<'a> Replacement<'a> {
    /// The outputs of a run.
    #[must_use]
    pub fn of_run(config: &'a RunConfig, by: Writer) -> Self {
        Self {
            paths: OutputPaths::of(config),
            by,
            inputs: &config.inputs,
            within: config.within.as_ref(),
            overwrite: config.overwrite,
        }
    }

    /// Whether what lies there may be replaced: results of the same input by the same command, or none.
    ///
    /// # Errors
    /// [`WriteError::OtherResults`], unless results are to be overwritten. What is no result is not looked at.
    pub fn check(&self) -> Result<(), WriteError> {
        let path = self.paths.results();
        let Some(earlier) = earlier(&path).filter(|_| !self.overwrite) else {
            return Ok(());
        };
        match self.what_is_lost(earlier) {
            None => Ok(()),
            Some((other, by)) => Err(WriteError::OtherResults {
                path,
                other,
                by,
                keeps_both: self.advice(),
            }),
        }
    }

    /// Makes way for the new outputs, once only writing is left to do. `results/NAME.json` is removed: while it is missing, outputs
    /// are not complete. What is returned is to be kept until it is there again.
    ///
    /// # Errors
    /// [`WriteError::IsWritten`] where another process has begun and is not done; as [`Self::check`], because another run may have
    /// written meanwhile; and where that file cannot be removed.
    pub fn begin(&self) -> Result<Begun, WriteError> {
        let path = self.paths.results();
        let Some(claim) = Claim::of(&self.paths.lock()) else {
            return Err(WriteError::IsWritten { path });
        };
        self.check()?;
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WriteError::File {
                path,
                source: source.into(),
            }),
            _ => Ok(Begun {
                earlier: EarlierOutputs::of(&self.paths),
                _claim: claim,
            }),
        }
    }

    /// What would be lost, and what would take its place; `None` where that is results of the same.
    fn what_is_lost(&self, earlier: Earlier) -> Option<(String, String)> {
        let within = self.within.map(ToString::to_string);
        let input = cells_of(&self.inputs.to_string(), within.as_deref());
        let this_run = format!("this run of {input}");
        let earlier = match earlier {
            Earlier::Batch(records) => {
                let record = || ("the record of a batch run".to_owned(), this_run);
                return (!records.is_empty()).then(record);
            }
            Earlier::One(earlier) => earlier,
        };
        let other = cells_of(&earlier.input(), earlier.parameters.within.as_deref());
        match (earlier.label_by.is_some(), self.by == Writer::Annotate) {
            (true, false) => Some((
                format!("the results of labelling {other} with annotate"),
                this_run,
            )),
            (false, true) => Some((
                format!("the results of a run of {other}"),
                format!("labelling {input} with annotate"),
            )),
            _ if earlier.place() == self.inputs.places() && earlier.parameters.within == within => {
                None
            }
            _ => Some((format!("the results of {other}"), this_run)),
        }
    }

    /// What gives these outputs another name.
    fn advice(&self) -> String {
        let name = self.paths.name();
        match self.by {
            Writer::Run => format!("-output_name NAME (not {name})"),
            Writer::RunOfBatch | Writer::Annotate => {
                format!("NAME={} (NAME not {name})", self.inputs)
            }
        }
    }
}

impl Begun {
    /// Names the outputs of an earlier run that were not replaced, if there are any.
    #[must_use]
    pub(crate) fn note(&self) -> Option<String> {
        self.earlier.note()
    }
}

impl EarlierResults {
    fn input(&self) -> String {
        self.input.clone().unwrap_or_else(|| self.data_set.clone())
    }

    /// Earlier versions recorded the file as it was typed, and read no several.
    fn place(&self) -> String {
        let typed = || Inputs::from(self.data_set.clone()).places();
        self.input.clone().unwrap_or_else(typed)
    }
}

fn earlier(results: &Path) -> Option<Earlier> {
    serde_json::from_slice(&fs::read(results).ok()?).ok()
}

/// The input whose results lie at `results`, where they are those of one data set.
pub(crate) fn input_of_results(results: &Path) -> Option<String> {
    match earlier(results)? {
        Earlier::One(earlier) => Some(earlier.input()),
        Earlier::Batch(_) => None,
    }
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
    use crate::cli::{Request, parse};

    fn check(folder: &Path, name: &str, more: &[&str]) -> Result<(), WriteError> {
        let out = folder.to_str().expect("text");
        let typed = ["a", "-name", name, "-output_name", "x", "-output_dir", out];
        let typed = typed.iter().chain(more).map(Into::into);
        match parse(typed) {
            Ok(Request::Run(config)) => Replacement::of_run(&config, Writer::Run).check(),
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

    /// The same for any command, of `/d/a.h5ad` under the name `x`.
    fn check_by(by: Writer, folder: &Path, overwrite: bool) -> Result<(), WriteError> {
        let inputs = Inputs::from("/d/a.h5ad");
        let replacement = Replacement {
            paths: OutputPaths::new(folder, "x"),
            by,
            inputs: &inputs,
            within: None,
            overwrite,
        };
        replacement.check()
    }

    #[test]
    fn results_of_another_command_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::create_dir(folder.join("results")).expect("a folder");
        let run = r#"{"data_set": "a.h5ad", "input": "/d/a.h5ad", "parameters": {}}"#;
        let labels = r#"{"data_set": "a.h5ad", "input": "/d/a.h5ad", "label_by": "cluster"}"#;
        let batch = r#"[{"name": "b", "status": "done"}]"#;
        for (record, by, part) in [
            (run, Writer::Annotate, Some("the results of a run of /d/")),
            (run, Writer::RunOfBatch, None),
            (labels, Writer::Annotate, None),
            (
                labels,
                Writer::Run,
                Some("labelling /d/a.h5ad with annotate"),
            ),
            (batch, Writer::Run, Some("the record of a batch run")),
            (batch, Writer::Annotate, Some("the record of a batch run")),
        ] {
            fs::write(folder.join("results/x.json"), record).expect("a file");
            check_by(by, folder, true).expect("asked for");
            let checked = check_by(by, folder, false).map_err(|refused| refused.to_string());
            match (checked, part) {
                (Ok(()), None) => {}
                (Err(refused), Some(part)) => assert!(refused.contains(part), "{refused}"),
                (checked, _) => panic!("{by:?} {record}: {checked:?}"),
            }
        }
    }

    #[test]
    fn what_has_no_output_name_is_advised_to_type_one() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("results")).expect("a folder");
        let record = r#"{"data_set": "b.h5ad", "input": "/d/b.h5ad"}"#;
        fs::write(folder.path().join("results/x.json"), record).expect("a file");
        for (by, advice) in [
            (Writer::Run, "; -output_name NAME (not x) keeps both"),
            (
                Writer::RunOfBatch,
                "; NAME=/d/a.h5ad (NAME not x) keeps both",
            ),
            (Writer::Annotate, "; NAME=/d/a.h5ad (NAME not x) keeps both"),
        ] {
            let refused = check_by(by, folder.path(), false).expect_err("another input");
            assert!(refused.to_string().contains(advice), "{refused}");
        }
    }

    #[test]
    fn results_are_removed_before_the_first_output_and_only_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs = Inputs::from("/d/a.h5ad");
        let replacement = Replacement {
            paths: OutputPaths::new(folder.path(), "x"),
            by: Writer::Run,
            inputs: &inputs,
            within: None,
            overwrite: false,
        };
        replacement.begin().expect("nothing is there");
        let results = replacement.paths.results();
        fs::create_dir(folder.path().join("results")).expect("a folder");
        let record = |input: &str| {
            let text = format!(r#"{{"data_set": "a.h5ad", "input": "{input}"}}"#);
            fs::write(&results, text).expect("a file");
        };
        record("/d/a.h5ad");
        replacement.check().expect("the same input");
        assert!(results.exists());
        replacement.begin().expect("the same input");
        assert!(!results.exists());
        record("/d/b.h5ad");
        replacement.begin().expect_err("written meanwhile");
        assert!(results.exists());
    }

    #[test]
    fn outputs_of_a_name_are_written_by_one_process_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs = Inputs::from("/d/a.h5ad");
        let of = |name: &str| Replacement {
            paths: OutputPaths::new(folder.path(), name),
            by: Writer::Run,
            inputs: &inputs,
            within: None,
            overwrite: true,
        };
        let begun = of("x").begin().expect("nobody writes");
        let refused = of("x").begin().expect_err("outputs are being written");
        assert!(
            matches!(&refused, WriteError::IsWritten { path } if *path == of("x").paths.results()),
            "{refused}"
        );
        of("y").begin().expect("another name");
        drop(begun);
        of("x").begin().expect("nobody writes any more");
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0);
    }
}
