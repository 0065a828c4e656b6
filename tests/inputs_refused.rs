//! The exact message for each input other than `.h5ad` that cannot be read, and for what only seems to be one.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use attentionae_sc::{
    h5ad::CountsIn,
    read::{ReadOptions, open},
};
use flate2::{Compression, write::GzEncoder};
use hdf5::types::FixedAscii;
use tempfile::TempDir;

/// A folder that starts as a copy of one in `tests/formats`, or with nothing in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn of(name: &str) -> Self {
        let folder = Self::new();
        for entry in formats(name).read_dir().expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name");
            fs::copy(&path, folder.0.path().join(name)).expect("a copy");
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    }

    fn gzip(&self, name: &str, content: &[u8]) -> PathBuf {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("gzip");
        self.file(name, encoder.finish().expect("gzip"))
    }

    /// A copy of an HDF5 file, changed.
    fn hdf5(&self, name: &str, change: impl FnOnce(&hdf5::File)) -> PathBuf {
        let path = self.path().join(name);
        fs::copy(formats(name), &path).expect("a copy");
        let file = hdf5::File::open_rw(&path).expect("a file");
        change(&file);
        file.close().expect("a file");
        path
    }

    /// What is said of an input, with this folder as `DIR`.
    fn says(&self, path: &Path, options: &ReadOptions) -> String {
        let error = open(path, options).expect_err("an input that is refused");
        error
            .to_string()
            .replace(&self.path().display().to_string(), "DIR")
    }

    #[track_caller]
    fn assert(&self, path: &Path, expected: &str) {
        assert_eq!(self.says(path, &ReadOptions::default()), expected);
    }
}

fn formats(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/formats")
        .join(name)
}

#[test]
fn matrices_whose_entries_are_wrong() {
    let folder = Folder::of("mtx_v2");
    let path = folder.path().join("matrix.mtx");
    let whole = fs::read_to_string(&path).expect("text");
    let entries = "1 1 1\n3 1 2\n";
    assert!(whole.contains(entries), "{whole}");
    let cases = [
        (
            whole.replace(entries, "1 1 1\n"),
            "line 14: the file ends after 10 entries, but its size line promises 11: \
            it may be cut short",
        ),
        (
            whole.replace(entries, "1 1 1\n3 1 2\n3 2 2\n"),
            "line 16: the file ends after 12 entries, more than the 11 that its size line promises: two files may have \
            been joined, or the size line is wrong; write the matrix anew",
        ),
        (
            whole.replace(entries, "1 1 1\n3 1 1000000000000\n"),
            "line 5: the third field has '1000000000000', which is not a count; it is more than any cell has of a gene \
            (a count is at most 2,147,483,648); raw counts are needed (whole numbers, none negative)",
        ),
        (
            whole.replace(entries, "1 1 1\n3 7 2\n"),
            "line 5: '3 7 2' does not start with a row from 1 to 4 and a column \
            from 1 to 6",
        ),
        (
            whole.replace(entries, "1 1 1\n0 1 2\n"),
            "line 5: '0 1 2' does not start with a row from 1 to 4 and a column \
            from 1 to 6",
        ),
        (
            whole.replace(entries, "1 1 1\n3 1 2.5\n"),
            "line 5: the third field has '2.5', which is not a count; the values are fractions: either they are normalised, or they are counts that were \
            corrected for ambient RNA (SoupX, CellBender) or estimated (RSEM, salmon, alevin), which -round True rounds \
            to whole numbers; raw counts are needed (whole numbers, none negative)",
        ),
        (
            whole.replace(entries, "1 1 1\n3 1 -2\n"),
            "line 5: the third field has '-2', which is not a count; the values seem to be scaled (some are negative); \
            raw counts are needed (whole numbers, none negative)",
        ),
        (
            whole.replace("integer", "complex"),
            "line 1: '%%MatrixMarket matrix coordinate complex general' is not \
            understood; expected '%%MatrixMarket matrix coordinate integer general'",
        ),
    ];
    for (content, expected) in cases {
        fs::write(&path, content).expect("a file");
        folder.assert(&path, &format!("DIR/matrix.mtx, {expected}"));
    }
}

#[test]
fn matrices_that_do_not_fit_their_names() {
    let folder = Folder::of("mtx_v2");
    folder.file("barcodes.tsv", "c0\nc1\n");
    folder.assert(
        folder.path(),
        "DIR/matrix.mtx: the matrix is 4 x 6, but there are names of 4 genes and 2 cells beside it",
    );
    fs::remove_file(folder.path().join("barcodes.tsv")).expect("it goes");
    let path = folder.path().join("counts.mtx");
    fs::copy(folder.path().join("matrix.mtx"), &path).expect("a copy");
    for (path, name) in [
        (folder.path(), "matrix.mtx"),
        (path.as_path(), "counts.mtx"),
    ] {
        folder.assert(
            path,
            &format!(
                "DIR/{name}: its cells have no names: there is no barcodes.tsv or barcodes.tsv.gz or barcodes.txt or \
                 barcodes.txt.gz beside it"
            ),
        );
    }
    let folder = Folder::of("mtx_prefix");
    fs::copy(
        folder.path().join("GSM1_matrix.mtx"),
        folder.path().join("GSM2_matrix.mtx"),
    )
    .expect("a copy");
    folder.assert(
        folder.path(),
        "DIR: the folder holds 2 matrices; name one of them: GSM1_matrix.mtx, GSM2_matrix.mtx",
    );
}

#[test]
fn features_that_are_no_genes() {
    let folder = Folder::of("mtx_v3");
    let lines = (0..6)
        .map(|n| format!("id{n}\tname{n}\tPeaks\n"))
        .collect::<Vec<_>>()
        .concat();
    folder.gzip("features.tsv.gz", lines.as_bytes());
    folder.assert(
        folder.path(),
        "DIR/matrix.mtx.gz: no feature is 'Gene Expression' (-gex_only False reads all); the file holds: Peaks",
    );
}

#[test]
fn tenx_files_whose_parts_disagree() {
    let folder = Folder::new();
    let path = folder.hdf5("tenx_v3.h5", |file| {
        file.unlink("matrix/barcodes").expect("it goes");
        let names = ["a", "b"].map(|name| FixedAscii::<8>::from_ascii(name).expect("ASCII"));
        let dataset = file.new_dataset_builder().with_data(&names);
        dataset.create("matrix/barcodes").expect("names");
    });
    folder.assert(
        &path,
        "DIR/tenx_v3.h5: matrix/shape has length 6, but there are names of 2 barcodes, so it should be 2: \
         the file is inconsistent",
    );
    let path = folder.hdf5("tenx_v3.h5", |file| {
        file.unlink("matrix/indices").expect("it goes");
    });
    folder.assert(
        &path,
        "DIR/tenx_v3.h5: there is no matrix/indices: the file is incomplete",
    );
    let path = folder.hdf5("tenx_v2.h5", |file| {
        file.link_hard("GRCh38", "mm10").expect("a link");
    });
    folder.assert(
        &path,
        "DIR/tenx_v2.h5: the file holds a matrix for each of the genomes GRCh38, mm10; \
         choose one: -genome GRCh38",
    );
}

#[test]
fn hdf5_files_of_other_formats() {
    let folder = Folder::new();
    let path = folder.path().join("other.h5");
    let file = hdf5::File::create(&path).expect("a file");
    for name in ["assays", "meta.data"] {
        file.create_group(name).expect("a group");
    }
    file.close().expect("a file");
    folder.assert(
        &path,
        "DIR/other.h5: this HDF5 file is neither .h5ad, .h5mu, .loom, nor 10x .h5, nor X and Y; it holds: assays, \
         meta.data; it seems to be an h5Seurat file: convert it in R, SeuratDisk::Convert(FILE, dest = \"h5ad\")",
    );
}

#[test]
fn what_is_named_like_hdf5_but_is_text() {
    let folder = Folder::new();
    let pointer = "version https://git-lfs.github.com/spec/v1\n";
    for name in ["x.h5ad", "x.h5"] {
        let path = folder.file(name, pointer);
        folder.assert(
            &path,
            &format!(
                "DIR/{name}: this is a Git LFS pointer, not the data, which cannot be read; fetch the data that it \
                 stands for: git lfs pull --include \"DIR/{name}\""
            ),
        );
    }
    let content = fs::read(formats("dense.h5ad")).expect("bytes");
    let path = folder.gzip("dense.h5ad.gz", &content[..content.len() / 2]);
    let said = folder.says(&path, &ReadOptions::default());
    assert!(said.starts_with("DIR/dense.h5ad.gz: "), "{said}");
}

#[test]
fn compressed_files_that_are_cut_short() {
    let folder = Folder::new();
    let reason = "its end is missing (incomplete deflate stream): the file seems to be cut short; copy or download it again";
    let hdf5 = fs::read(formats("dense.h5ad")).expect("bytes");
    let lines = (0..2000).map(|cell| format!("c{cell},1,{}\n", cell % 7));
    let table = format!(",Gad1,Mbp\n{}", lines.collect::<String>());
    for (name, content, what) in [
        ("x.h5ad.gz", &hdf5[..], "the file cannot be read: "),
        ("x.csv.gz", table.as_bytes(), ""),
    ] {
        let path = folder.gzip(name, content);
        let whole = fs::read(&path).expect("bytes");
        fs::write(&path, &whole[..whole.len() - 20]).expect("a file");
        folder.assert(&path, &format!("DIR/{name}: {what}{reason}"));
    }
}

#[test]
fn links_to_files_that_are_not_there() {
    let folder = Folder::new();
    folder.file("dear.h5ad", "");
    for name in ["dead.h5ad", "dead.csv"] {
        let path = folder.path().join(name);
        std::os::unix::fs::symlink("nowhere", &path).expect("a link");
        folder.assert(
            &path,
            &format!(
                "DIR/{name}: this is a link to nowhere, and there is no such file; name the file itself, or make the link \
                 anew"
            ),
        );
    }
}

#[test]
fn options_that_do_not_fit_a_file_of_counts() {
    let folder = Folder::new();
    let path = folder.hdf5("dense.h5ad", |_| ());
    let raw = ReadOptions {
        counts_in: CountsIn::Raw,
        ..ReadOptions::default()
    };
    assert_eq!(
        folder.says(&path, &raw),
        "DIR/dense.h5ad: there is no raw/X; X holds counts: leave out -layer and -use_raw"
    );
    let genome = ReadOptions {
        genome: Some("mm10".to_owned()),
        ..ReadOptions::default()
    };
    assert_eq!(
        folder.says(&path, &genome),
        "DIR/dense.h5ad: no feature is of genome mm10; the file names no genomes: leave -genome out"
    );
}

#[test]
fn values_that_are_too_large_for_counts() {
    let folder = Folder::new();
    let path = folder.hdf5("dense.h5ad", |file| {
        let x = file.dataset("X").expect("X");
        let mut values = x.read_2d::<f32>().expect("values");
        values[[1, 1]] = 1e30;
        x.write(&values).expect("values");
    });
    folder.assert(
        &path,
        "DIR/dense.h5ad: X holds 1000000000000000000000000000000, which is not a count; it is more than any cell has of a \
         gene (a count is at most 2,147,483,648); raw counts are needed (whole numbers, none negative); neither X, layers \
         nor raw holds any",
    );
}

#[test]
fn tables_without_a_header() {
    let folder = Folder::new();
    let table = b"cell_1,3,0,0,2,0,1\ncell_2,0,0,0,1,4,0\n";
    let reason = "'cell_1' and counts; expected the names of the columns: add a line of them at the top. If these numbers \
                  are names, call the first column 'cell' or 'gene'";
    for path in [folder.file("x.csv", table), folder.gzip("x.csv.gz", table)] {
        let name = path.file_name().expect("a name").display();
        folder.assert(&path, &format!("DIR/{name}, line 1: {reason}"));
    }
}

#[test]
fn tables_whose_entries_are_no_counts() {
    let folder = Folder::new();
    let cases: [(&[u8], &str); 8] = [
        (
            b",Gad1,Mbp\nc0,1,0.69\n",
            "line 2: column 'Mbp' has '0.69', which is not a count; the values are fractions: either they are normalised, or they are counts that were \
            corrected for ambient RNA (SoupX, CellBender) or estimated (RSEM, salmon, alevin), which -round True rounds \
            to whole numbers; raw counts are needed (whole numbers, none negative)",
        ),
        (
            b"cell\tGad1\tMbp\nc0\t1\tneuron\n",
            "line 2: column 'Mbp' has 'neuron', which is not a count; \
            raw counts are needed (whole numbers, none negative)",
        ),
        (
            b",Gad1\nc0,1\nc1,-1\n",
            "line 3: column 'Gad1' has '-1', which is not a count; the values seem to be scaled (some are negative); \
            raw counts are needed (whole numbers, none negative)",
        ),
        (
            b",Gad1\nc0,1\nc1,inf\n",
            "line 3: column 'Gad1' has 'inf', which is not a count; \
            raw counts are needed (whole numbers, none negative)",
        ),
        (
            b",Gad1\nc0,1\nc1,3e12\n",
            "line 3: column 'Gad1' has '3e12', which is not a count; it is more than any cell has of a gene (a count is at \
            most 2,147,483,648); raw counts are needed (whole numbers, none negative)",
        ),
        (
            b",Gad1,Mbp\nc0,1,2\nc1,1\n",
            "line 3: the line has 2 fields, but other lines have 3",
        ),
        (
            b"a,b\nx,1,2,3\ny,4,5,6\n",
            "line 2: the line has 4 fields, but the header has 2",
        ),
        (
            b",Gad1\nc\xe4,1\n",
            "line 2: this is not UTF-8 text; rewrite it in that encoding",
        ),
    ];
    for (content, expected) in cases {
        let path = folder.file("table.csv", content);
        folder.assert(&path, &format!("DIR/table.csv, {expected}"));
    }
}

#[test]
fn a_line_that_never_ends_is_refused_before_it_fills_memory() {
    let folder = Folder::new();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(b",Gad1\nc0,").expect("gzip");
    let ones = vec![b'1'; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&ones).expect("gzip");
    }
    let bomb = encoder.finish().expect("gzip");
    assert!(bomb.len() < 1 << 20);
    let path = folder.file("bomb.csv.gz", bomb);
    let said = folder.says(&path, &ReadOptions::default());
    assert_eq!(
        said,
        "DIR/bomb.csv.gz: a line is longer than 268435456 bytes"
    );
}
