//! The exact message for each way in which a file's content is bad. The program prints it, ends with exit code 1,
//! writes nothing, and takes no memory for what the file claims.

use std::path::Path;

use assert_cmd::Command;
use hdf5::{SimpleExtents, types::FixedAscii};
use ndarray::arr2;
use nix::sys::resource::{UsageWho, getrusage};

use crate::draft::{COUNTS, CSC, CSR, Draft, Finished, texts, values};

/// Most resident memory of any of these runs, in kB: 1 GB.
const MOST_MEMORY: i64 = 1_000_000;

/// Runs the program on a file and returns what it says after the file's name.
fn message(path: &Path) -> String {
    let folder = path.parent().expect("a folder");
    let output = folder.join("out");
    std::fs::create_dir_all(&output).expect("a folder");
    let mut command = Command::cargo_bin("attentionae-sc").expect("the program");
    let run = command
        .args([
            "-name",
            path.to_str().expect("text"),
            "-quiet",
            "-output_dir",
        ])
        .arg(&output)
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .assert()
        .code(1);
    let stderr = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{stderr}");
    let files = walk(&output);
    assert!(files.is_empty(), "written: {files:?}");
    let start = format!("error: {}: ", path.display());
    let said = stderr.strip_prefix(&start).unwrap_or(&stderr);
    said.replace(&folder.display().to_string(), "FOLDER")
        .trim_end()
        .to_owned()
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = folder
        .read_dir()
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn csr(change: impl FnOnce(&mut Vec<i64>, &mut Vec<i64>, &mut Vec<f32>)) -> Finished {
    let (offsets, indices, data) = CSR;
    let (mut offsets, mut indices, mut data) = (offsets.to_vec(), indices.to_vec(), data.to_vec());
    change(&mut offsets, &mut indices, &mut data);
    let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
    draft.finish()
}

fn x(change: impl FnOnce(&mut ndarray::Array2<f32>)) -> Finished {
    let mut counts = arr2(&COUNTS);
    change(&mut counts);
    Draft::new().without("X").dense("X", &counts).finish()
}

#[track_caller]
fn says(finished: &Finished, expected: &str) {
    assert_eq!(message(&finished.path), expected);
}

#[test]
fn what_is_missing() {
    says(
        &Draft::new().without("X").finish(),
        "there is no X, the matrix of raw counts (cells x genes); neither X, layers nor raw holds any",
    );
    says(
        &Draft::new().without("obs").finish(),
        "there is no obs; was the file written by anndata?",
    );
    says(
        &Draft::new().without("obs/_index").finish(),
        "obs has no index: neither an attribute '_index' nor a dataset '_index' or 'index' names its rows",
    );
    let (offsets, indices, data) = CSR;
    let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
    says(
        &draft.without("X/indices").finish(),
        "there is no X/indices: the file is incomplete",
    );
}

#[test]
fn lengths_that_disagree() {
    says(
        &csr(|offsets, _, _| offsets.truncate(4)),
        "X/indptr has length 4, but its matrix has 4 rows or columns to point to, so it should be 5: \
         the file is inconsistent",
    );
    says(
        &csr(|_, indices, _| indices.truncate(5)),
        "X/indices has length 5, but X/data has 6 values, so it should be 6: the file is inconsistent",
    );
    says(
        &csr(|_, _, data| data.truncate(5)),
        "X/indices has length 6, but X/data has 5 values, so it should be 5: the file is inconsistent",
    );
    let draft = Draft::new().without("obs/_index");
    texts(&draft.obs(), "_index", &["a", "b", "c"]);
    says(
        &draft.finish(),
        "obs has length 3, but X has 4 cells, so it should be 4: the file is inconsistent",
    );
    let draft = Draft::new().without("var/gene");
    texts(&draft.file.group("var").expect("var"), "gene", &["a"]);
    says(
        &draft.finish(),
        "var has length 1, but X has 3 genes, so it should be 3: the file is inconsistent",
    );
}

#[test]
fn offsets_and_indices_that_point_elsewhere() {
    says(
        &csr(|offsets, _, _| offsets[2] = 1),
        "X/indptr must rise from 0 to the 6 stored values, but holds 1 at position 2: the file is damaged",
    );
    says(
        &csr(|_, indices, _| indices[4] = 3),
        "X/indices holds 3, but only 0 to 2 is possible: the file is damaged",
    );
    says(
        &csr(|_, indices, _| indices[0] = -1),
        "X/indices holds -1, but only 0 to 2 is possible: the file is damaged",
    );
    let (offsets, mut indices, data) = CSC;
    indices[0] = 1 << 40;
    let draft = Draft::new().sparse("csc_matrix", [4, 3], (&offsets, &indices, &data));
    says(
        &draft.finish(),
        "X/indices holds 1099511627776, but only 0 to 3 is possible: the file is damaged",
    );
}

#[test]
fn sizes_that_the_file_does_not_hold() {
    let (offsets, indices, data) = CSR;
    let shape = [1_000_000_000_000, 3];
    let draft = Draft::new().sparse("csr_matrix", shape, (&offsets, &indices, &data));
    says(
        &draft.finish(),
        "X/indptr has length 5, but its matrix has 1000000000000 rows or columns to point to, \
         so it should be 1000000000001: the file is inconsistent",
    );
    let draft = Draft::new().without("X");
    let builder = draft
        .file
        .new_dataset::<f32>()
        .shape((1_000_000_000_000_usize, 3));
    builder.chunk((1000, 3)).create("X").expect("X");
    says(
        &draft.finish(),
        "X claims 12000000000000 bytes, but the file stores 0 for it: the file is damaged",
    );
}

#[test]
fn a_chunk_that_would_inflate_to_gigabytes() {
    let draft = Draft::new().without("X");
    let shape = SimpleExtents::resizable([4, 3]);
    let builder = draft
        .file
        .new_dataset::<f32>()
        .shape(shape)
        .chunk((30_000, 30_000));
    builder.deflate(9).create("X").expect("X");
    says(
        &draft.finish(),
        "X claims 3600000000 bytes, but the file stores 0 for it: the file is damaged",
    );
}

#[test]
fn values_that_are_no_counts() {
    says(
        &x(|x| x[[3, 1]] = f32::INFINITY),
        "X holds inf, which is not a count; raw counts are needed (whole numbers, none negative); \
         neither X, layers nor raw holds any",
    );
    says(
        &x(|x| x[[3, 1]] = -2.0),
        "X holds -2, which is not a count; the values seem to be scaled (some are negative); \
         raw counts are needed (whole numbers, none negative); neither X, layers nor raw holds any",
    );
    says(
        &x(|x| *x *= 1234.56),
        "X holds 1234.56, which is not a count; the values are fractions: either they are normalised, or they are \
         counts that were corrected for ambient RNA (SoupX, CellBender) or estimated (RSEM, salmon, alevin), which \
         -round True rounds to whole numbers; \
         raw counts are needed (whole numbers, none negative); neither X, layers nor raw holds any",
    );
    let logged = arr2(&COUNTS).mapv(f32::ln_1p);
    let draft = Draft::new().without("X").dense("X", &logged);
    let draft = draft
        .dense("layers/my counts", &arr2(&COUNTS))
        .dense("raw/X", &arr2(&COUNTS));
    says(
        &draft.finish(),
        "X holds 0.6931472, which is not a count; the values seem to be log-normalised (small fractions); \
         raw counts are needed (whole numbers, none negative); layers/my counts and raw/X hold counts: \
         add -layer \"my counts\"",
    );
}

#[test]
fn names_that_are_not_utf8() {
    let draft = Draft::new().without("obs/_index");
    let names = ["a", "QQQQ", "c", "d"].map(|t| FixedAscii::<4>::from_ascii(t).expect("ASCII"));
    values(&draft.obs(), "_index", &names);
    let finished = draft.finish();
    let mut bytes = std::fs::read(&finished.path).expect("bytes");
    let start = bytes
        .windows(4)
        .position(|window| window == b"QQQQ")
        .expect("the name");
    bytes[start] = 0xe4;
    std::fs::write(&finished.path, bytes).expect("a file");
    says(
        &finished,
        "obs/_index is not UTF-8 text at position 1; rewrite it in that encoding",
    );
}

#[test]
fn links_that_lead_elsewhere_nowhere_or_in_a_circle() {
    let draft = Draft::new().without("X");
    draft.file.link_soft("/Y", "X").expect("a link");
    draft.file.link_soft("/X", "Y").expect("a link");
    let broken = "X is a link that leads nowhere, or in a circle: the file is incomplete";
    says(&draft.finish(), broken);
    let draft = Draft::new().without("X");
    draft.file.link_soft("/nowhere", "X").expect("a link");
    says(&draft.finish(), broken);
    let external = "X is a link into another file, which is not followed; copy it into this one (h5repack does)";
    let draft = Draft::new().without("X");
    draft
        .file
        .link_external("other.h5ad", "X", "X")
        .expect("a link");
    let finished = draft.finish();
    says(&finished, external);
    let other = finished.path.with_file_name("other.h5ad");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/dense.h5ad");
    std::fs::copy(golden, other).expect("a copy");
    says(&finished, external);
    let draft = Draft::new().without("X");
    draft
        .file
        .link_external("other.h5ad", "X", "elsewhere")
        .expect("a link");
    draft.file.link_soft("/elsewhere", "X").expect("a link");
    let finished = draft.finish();
    let other = finished.path.with_file_name("other.h5ad");
    std::fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/dense.h5ad"),
        other,
    )
    .expect("a copy");
    says(&finished, external);
}

#[test]
fn a_group_that_contains_itself_is_no_trouble_unless_it_is_read() {
    let draft = Draft::new();
    draft.file.link_hard("/obs", "obs/loop").expect("a link");
    let finished = draft.finish();
    let file = attentionae_sc::h5ad::H5ad::open(&finished.path).expect("a file");
    assert_eq!(file.obs_columns(), ["loop"]);
    assert_eq!(file.obs_frame().expect("columns"), []);
}

#[test]
fn none_of_these_takes_much_memory() {
    let (offsets, indices, data) = CSR;
    let shape = [1_000_000_000_000, 3];
    let draft = Draft::new().sparse("csr_matrix", shape, (&offsets, &indices, &data));
    message(&draft.finish().path);
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the memory of the programs run");
    let most = usage.max_rss();
    assert!(most > 0 && most < MOST_MEMORY, "{most} kB");
}
