//! What tells that a data set, or the options it is run with, have changed.

use std::{fmt::Write as _, fs::File, io, path::Path};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    config::RunConfig,
    read::{Inputs, files_of},
};

/// Options that change neither what a run finds nor which files it writes.
const WITHOUT_EFFECT: [&str; 5] = ["name", "data_dir", "output_dir", "threads", "quiet"];

/// SHA-256 of an input as `sha256sum` prints it: of the file, or, where several belong together, of the
/// lines that it prints for each of them in their folder.
pub(super) fn of_inputs(inputs: &Inputs) -> io::Result<String> {
    let files: Vec<_> = inputs.paths().flat_map(files_of).collect();
    if let [file] = &files[..] {
        return of_file(file);
    }
    let mut hash = Sha256::new();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        hash.update(format!("{}  {name}\n", of_file(file)?));
    }
    Ok(hexadecimal(hash))
}

/// SHA-256 of the results file of a run, which holds times: no two runs write the same.
pub(super) fn of_results(text: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(text))
}

fn of_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hexadecimal(hash))
}

/// SHA-256 of the options that decide a run's outputs, and of the version of this program.
pub(super) fn of_options(run: &RunConfig) -> String {
    let mut options = serde_json::to_value(run).unwrap_or_default();
    if let Value::Object(options) = &mut options {
        for name in WITHOUT_EFFECT {
            options.shift_remove(name);
        }
    }
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(options.to_string());
    hexadecimal(hash)
}

fn hexadecimal(hash: Sha256) -> String {
    let mut text = String::new();
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::{Request, parse};

    fn options(line: &str) -> String {
        let args = std::iter::once("a").chain(line.split(' '));
        match parse(args.map(Into::into)) {
            Ok(Request::Run(run)) => of_options(&run),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_file_has_its_sha256() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        fs::write(&path, "abc").expect("a file");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_inputs(&path.into()).expect("read"), known);
        assert!(of_inputs(&folder.path().join("y").into()).is_err());
    }

    #[test]
    fn a_matrix_changes_with_the_names_beside_it_and_with_no_other_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("a file");
            let whole = of_inputs(&folder.path().into()).expect("read");
            let matrix = of_inputs(&folder.path().join("matrix.mtx").into()).expect("read");
            assert_eq!(whole, matrix);
            whole
        };
        let first = write("matrix.mtx", "1");
        let second = write("barcodes.tsv", "");
        let third = write("genes.tsv", "");
        assert!(first != second && second != third);
        assert_ne!(write("genes.tsv", "a"), third);
        assert_eq!(write("genes.tsv", ""), third);
        assert_eq!(write("summary.html", "x"), third);
    }

    #[test]
    fn options_count_where_they_have_an_effect() {
        let plain = options("-name x");
        assert_eq!(options("-name y -threads 2 -quiet -output_dir o"), plain);
        for option in [
            "-seed 2",
            "-lr 0.01",
            "-save_umap True",
            "-celltype unknown",
        ] {
            assert_ne!(options(&format!("-name x {option}")), plain, "{option}");
        }
    }
}
