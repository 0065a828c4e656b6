//! Results in an `.h5ad` file of their own, whatever the input is: another format, an archive, a layer or `raw`.

use std::{
    fmt::Write as _,
    fs::{self, File as Plain},
    io,
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use attentionae_sc::{
    counts::{CountSource, Csr},
    h5ad::{CountsIn, H5ad},
};
use hdf5::{File, Group, Location, types::VarLenUnicode};
use ndarray::Array2;
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

mod common;

use common::{dense, golden};

/// Enough training to pass through every stage.
const SHORT: [&str; 10] = [
    "-training_epoch",
    "2",
    "-clustering_epoch",
    "1",
    "-n_hvg",
    "100",
    "-save_h5ad",
    "True",
    "-save_markers",
    "True",
];

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// The golden data set in many formats, and outputs beside them.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs an input, and gives the path of the file with results in it.
    fn run(&self, input: &Path, name: &str, args: &[&str]) -> PathBuf {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
        program.env("HDF5_USE_FILE_LOCKING", "FALSE");
        program.arg("-name").arg(input);
        program.arg("-output_dir").arg(self.path("out"));
        program.args(SHORT).args(args).assert().code(0);
        self.path(&format!("out/h5ad/{name}.h5ad"))
    }

    fn markers(&self, name: &str) -> String {
        let path = self.path(&format!("out/markers/{name}.csv"));
        fs::read_to_string(path).expect("markers")
    }

    /// The predicted labels: `cell` and `label` by line.
    fn labels(&self, name: &str) -> Vec<(String, String)> {
        let table = csv::Reader::from_path(self.path(&format!("out/pred_label/{name}.csv")));
        let rows = table.expect("a table").into_deserialize();
        rows.map(|row| row.expect("a row")).collect()
    }

    fn csv(&self) -> PathBuf {
        let mut text = format!("cell,{}\n", golden::small_gene_names().join(","));
        let counts = dense(&golden::small_counts());
        for (name, row) in golden::small_cell_names().iter().zip(counts.rows()) {
            text.push_str(name);
            for count in row {
                write!(text, ",{count}").expect("memory");
            }
            text.push('\n');
        }
        let path = self.path("table.csv");
        fs::write(&path, text).expect("a table");
        path
    }

    fn mtx(&self) -> PathBuf {
        let folder = self.path("mtx");
        let counts = golden::small_counts();
        let shape = format!("{} {} {}", counts.cols(), counts.rows(), counts.nnz());
        let mut text = format!("%%MatrixMarket matrix coordinate integer general\n{shape}\n");
        for (count, (cell, gene)) in &counts {
            writeln!(text, "{} {} {count}", gene + 1, cell + 1).expect("memory");
        }
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("matrix.mtx"), text).expect("a matrix");
        for (file, names) in [
            ("barcodes.tsv", golden::small_cell_names()),
            ("genes.tsv", golden::small_gene_names()),
        ] {
            fs::write(folder.join(file), names.join("\n") + "\n").expect("names");
        }
        folder
    }

    fn tenx(&self) -> hdf5::Result<PathBuf> {
        let path = self.path("tenx.h5");
        let counts = golden::small_counts();
        let file = File::create(&path)?;
        let matrix = file.create_group("matrix")?;
        let write = |name: &str, values: Vec<i64>| {
            let builder = matrix.new_dataset_builder().with_data(&values);
            builder.create(name).map(drop)
        };
        write("data", counts.data().iter().map(|&n| n as i64).collect())?;
        let genes = counts.indices().iter().map(|&gene| i64::from(gene));
        write("indices", genes.collect())?;
        let offsets = counts.proper_indptr();
        write("indptr", offsets.iter().map(|&n| n as i64).collect())?;
        write("shape", vec![counts.cols() as i64, counts.rows() as i64])?;
        write_texts(&matrix, "barcodes", &golden::small_cell_names())?;
        let features = matrix.create_group("features")?;
        let genes = golden::small_gene_names();
        write_texts(&features, "name", &genes)?;
        let ids: Vec<String> = genes.iter().map(|gene| format!("ENS{gene}")).collect();
        write_texts(&features, "id", &ids)?;
        let types = vec!["Gene Expression".to_owned(); genes.len()];
        write_texts(&features, "feature_type", &types)?;
        Ok(path)
    }

    fn xy(&self) -> hdf5::Result<PathBuf> {
        let path = self.path("xy.h5");
        let file = File::create(&path)?;
        let counts = dense(&golden::small_counts());
        let labels: Vec<i64> = (0..counts.nrows() as i64).map(|cell| cell % 3).collect();
        file.new_dataset_builder().with_data(&counts).create("X")?;
        file.new_dataset_builder().with_data(&labels).create("Y")?;
        Ok(path)
    }

    fn zip(&self, input: &Path, name: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        let mut archive = ZipWriter::new(Plain::create(&path)?);
        let inside = input.file_name().unwrap_or_default().to_string_lossy();
        archive.start_file(inside, SimpleFileOptions::default())?;
        io::copy(&mut Plain::open(input)?, &mut archive)?;
        archive.finish()?;
        Ok(path)
    }

    /// The golden data set with its counts elsewhere, and in `X` fractions of three genes of other names, or of
    /// as many genes as before.
    fn moved(&self, name: &str, to_raw: bool) -> hdf5::Result<PathBuf> {
        let path = self.path(name);
        fs::copy(golden::small_path(), &path).expect("a copy");
        let file = File::open_rw(&path)?;
        let mut n_genes = golden::small_gene_names().len();
        if to_raw {
            n_genes = 3;
            file.create_group("raw")?;
            file.relink("X", "raw/X")?;
            file.relink("var", "raw/var")?;
            let var = file.create_group("var")?;
            write_attribute(&var, "_index", "_index")?;
            write_texts(&var, "_index", &["x", "y", "z"].map(String::from))?;
        } else {
            file.group("layers")
                .or_else(|_| file.create_group("layers"))?;
            file.relink("X", "layers/counts")?;
        }
        file.new_dataset_builder()
            .with_data(&fractions(n_genes))
            .create("X")?;
        Ok(path)
    }
}

fn fractions(n_genes: usize) -> Array2<f32> {
    Array2::from_elem((golden::small_cell_names().len(), n_genes), 0.25)
}

fn write_texts(group: &Group, name: &str, texts: &[String]) -> hdf5::Result<()> {
    let texts: Vec<VarLenUnicode> = texts
        .iter()
        .map(|text| text.parse().expect("text"))
        .collect();
    let builder = group.new_dataset_builder().with_data(&texts);
    builder.create(name).map(drop)
}

fn write_attribute(location: &Location, name: &str, value: &str) -> hdf5::Result<()> {
    let value: VarLenUnicode = value.parse().expect("text");
    let attribute = location.new_attr::<VarLenUnicode>().create(name)?;
    attribute.write_scalar(&value)
}

fn all_counts(file: &H5ad) -> Csr {
    let counts = file.counts().expect("counts");
    counts.rows(0..counts.n_cells()).expect("counts")
}

/// Checks that cell by cell the file has the results of the run.
fn assert_results(place: &Place, name: &str, file: &H5ad) {
    let names = file.obs_names().expect("names");
    let found = file.obs_labels("attentionae").expect("labels");
    let mut written = place.labels(name).into_iter();
    for (name, label) in names.into_iter().zip(found) {
        match label {
            Some(label) => assert_eq!(Some((name, label)), written.next()),
            None => assert_eq!(name, golden::small_cell_names()[0], "has no counts"),
        }
    }
    assert_eq!(written.next(), None);
    let embedding = File::open(file.path())
        .and_then(|file| file.dataset("obsm/X_attentionae")?.read_2d::<f32>())
        .expect("an embedding");
    assert!(embedding.row(0).iter().all(|z| z.is_nan()));
    assert!(embedding.iter().skip(32).all(|z| z.is_finite()));
}

#[test]
fn an_input_in_another_format_becomes_a_whole_file() -> TestResult {
    let place = Place::new();
    let csv = place.csv();
    let zipped = place.zip(&csv, "zipped.csv.zip")?;
    for (input, name) in [
        (csv, "table"),
        (zipped, "zipped"),
        (place.mtx(), "mtx"),
        (place.tenx()?, "tenx"),
    ] {
        let file = H5ad::open(&place.run(&input, name, &[]))?;
        assert_eq!(all_counts(&file), golden::small_counts(), "{name}");
        assert_eq!(file.obs_names()?, golden::small_cell_names(), "{name}");
        assert_eq!(file.var_names()?, golden::small_gene_names(), "{name}");
        assert_results(&place, name, &file);
    }
    let var = H5ad::open(&place.path("out/h5ad/tenx.h5ad"))?.var_frame()?;
    assert!(!var.is_empty(), "identifiers of genes stay");
    assert_eq!(place.markers("table"), place.markers("tenx"));
    Ok(())
}

#[test]
fn true_labels_of_another_format_stay_beside_the_results() -> TestResult {
    let place = Place::new();
    let path = place.run(&place.xy()?, "xy", &[]);
    let file = H5ad::open(&path)?;
    assert_eq!(all_counts(&file), golden::small_counts());
    assert_eq!(file.obs_columns(), ["celltype", "attentionae"]);
    let labels = file.obs_labels("celltype")?;
    let expected = |cell: usize| Some((cell % 3).to_string());
    assert!(
        labels
            .iter()
            .enumerate()
            .all(|(cell, label)| *label == expected(cell))
    );
    Ok(())
}

#[test]
fn an_h5ad_file_in_an_archive_is_unpacked_whole() -> TestResult {
    let place = Place::new();
    let small = golden::small_path();
    let zipped = place.zip(&small, "small.zip")?;
    let path = place.run(&zipped, "small", &[]);
    let file = H5ad::open(&path)?;
    assert_eq!(all_counts(&file), golden::small_counts());
    assert_eq!(file.obs_columns(), ["celltype", "attentionae"]);
    assert_results(&place, "small", &file);
    let members = |path: &Path| File::open(path).and_then(|file| file.group("/")?.member_names());
    let mut added = members(&path)?;
    added.retain(|name| name != "obsm" && name != "uns");
    let mut before = members(&small)?;
    before.retain(|name| name != "obsm" && name != "uns");
    assert_eq!(added, before);
    Ok(())
}

#[test]
fn results_of_a_layer_or_of_raw_go_into_a_copy_that_keeps_x() -> TestResult {
    let place = Place::new();
    place.run(&golden::small_path(), "small", &[]);
    for (name, to_raw, args) in [
        ("layer", false, ["-layer", "counts"]),
        ("raw", true, ["-use_raw", "True"]),
    ] {
        let input = place.moved(&format!("{name}.h5ad"), to_raw)?;
        let path = place.run(&input, name, &args);
        let counts_in = if to_raw {
            CountsIn::Raw
        } else {
            CountsIn::Layer("counts".to_owned())
        };
        let file = H5ad::open_for(&path, &counts_in)?;
        assert_eq!(all_counts(&file), golden::small_counts(), "{name}");
        assert_results(&place, name, &file);
        let x: Array2<f32> = File::open(&path)?.dataset("X")?.read_2d()?;
        assert_eq!(x, fractions(x.ncols()), "{name}");
        // The same counts under the same gene names, wherever they are.
        assert_eq!(place.markers(name), place.markers("small"), "{name}");
    }
    Ok(())
}
