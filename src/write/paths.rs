//! Where outputs go, and whether they can.

use std::path::{Path, PathBuf};

use strum::VariantNames;

use super::WriteError;
use crate::{
    config::{Outputs, RunConfig},
    output_table::TableFormat,
    plot::FigureFormat,
};

/// A run's output files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPaths {
    folder: PathBuf,
    name: String,
}

impl OutputPaths {
    /// The outputs of the data set `name` below `folder`.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The outputs of a run.
    #[must_use]
    pub fn of(config: &RunConfig) -> Self {
        Self::new(&config.output_dir, &config.name)
    }

    /// `pred_label/NAME.csv`, or another ending
    #[must_use]
    pub fn labels(&self, format: TableFormat) -> PathBuf {
        self.file("pred_label", &format!(".{}", format.ending()))
    }

    /// `embedding/NAME.csv`, or another ending
    #[must_use]
    pub fn embedding(&self, format: TableFormat) -> PathBuf {
        self.file("embedding", &format!(".{}", format.ending()))
    }

    /// `model_save/NAME.safetensors`
    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.file("model_save", ".safetensors")
    }

    /// `umap_figure/NAME_pred_label.png`, or another ending
    #[must_use]
    pub fn predicted_figure(&self, format: FigureFormat) -> PathBuf {
        self.figure("pred_label", format)
    }

    /// `umap_figure/NAME_true_label.png`, or another ending
    #[must_use]
    pub fn true_figure(&self, format: FigureFormat) -> PathBuf {
        self.figure("true_label", format)
    }

    /// `umap_figure/NAME_new_cells.png`, or another ending
    #[must_use]
    pub fn new_cells_figure(&self, format: FigureFormat) -> PathBuf {
        self.figure("new_cells", format)
    }

    /// `umap_figure/NAME_tree.png`, or another ending
    #[must_use]
    pub fn tree_figure(&self, format: FigureFormat) -> PathBuf {
        self.figure("tree", format)
    }

    /// `markers/NAME.csv`, or another ending
    #[must_use]
    pub fn markers(&self, format: TableFormat) -> PathBuf {
        self.file("markers", &format!(".{}", format.ending()))
    }

    /// `tree/NAME.json`
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.file("tree", ".json")
    }

    /// `tree/NAME.nwk`
    #[must_use]
    pub fn newick(&self) -> PathBuf {
        self.file("tree", ".nwk")
    }

    /// `report/NAME.html`
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.file("report", ".html")
    }

    /// What MultiQC reads: `report/NAME_clusters_mqc.json` and `report/NAME_statistics_mqc.json`.
    #[must_use]
    pub fn multiqc(&self) -> [PathBuf; 2] {
        ["clusters", "statistics"].map(|what| self.file("report", &format!("_{what}_mqc.json")))
    }

    /// `h5ad/NAME.h5ad`
    #[must_use]
    pub fn h5ad(&self) -> PathBuf {
        self.file("h5ad", ".h5ad")
    }

    /// `results/NAME.json`
    #[must_use]
    pub fn results(&self) -> PathBuf {
        self.file("results", ".json")
    }

    /// `.NAME.lock`, which is there while outputs are written
    pub(super) fn lock(&self) -> PathBuf {
        self.folder.join(format!(".{}.lock", self.name))
    }

    /// Whether every output that `save` asks for can be written. Leaves nothing behind.
    pub(crate) fn check_writable(&self, save: Outputs) -> Result<(), WriteError> {
        let mut files = self.always(save);
        if save.umap {
            files.extend([
                self.true_figure(save.figure_format),
                self.tree_figure(save.figure_format),
            ]);
        }
        check_files(&files)
    }

    /// The outputs that a run writes whatever its data set holds.
    pub(crate) fn always(&self, save: Outputs) -> Vec<PathBuf> {
        let mut files = vec![self.results()];
        files.extend(save.pred_label.then(|| self.labels(save.table_format)));
        files.extend(save.embedding.then(|| self.embedding(save.table_format)));
        files.extend(save.model_para.then(|| self.model()));
        files.extend(save.umap.then(|| self.predicted_figure(save.figure_format)));
        files.extend(save.markers.then(|| self.markers(save.table_format)));
        if save.tree {
            files.extend([self.tree(), self.newick()]);
        }
        if save.report {
            files.push(self.report());
            files.extend(self.multiqc());
        }
        files.extend(save.h5ad.then(|| self.h5ad()));
        files
    }

    /// Every output but `results/NAME.json` that a run or `annotate` may write, in any format.
    pub(super) fn any(&self) -> Vec<PathBuf> {
        let table = |folder| {
            let endings = TableFormat::VARIANTS.iter();
            endings.map(move |ending| self.file(folder, &format!(".{ending}")))
        };
        let figure = |what| {
            let endings = FigureFormat::VARIANTS.iter();
            endings.map(move |ending| self.file("umap_figure", &format!("_{what}.{ending}")))
        };
        let tables = ["pred_label", "embedding", "markers"];
        let mut files: Vec<PathBuf> = tables.into_iter().flat_map(table).collect();
        files.extend([self.tree(), self.newick()]);
        let figures = ["pred_label", "true_label", "new_cells", "tree"];
        files.extend(figures.into_iter().flat_map(figure));
        files.push(self.report());
        files.extend(self.multiqc());
        files.extend([self.h5ad(), self.model()]);
        files
    }

    /// The data set's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// An output as a path below the output folder: `tree/NAME.json`
    pub(super) fn below_folder(&self, output: &Path) -> String {
        let below = output.strip_prefix(&self.folder);
        below.unwrap_or(output).display().to_string()
    }

    fn figure(&self, what: &str, format: FigureFormat) -> PathBuf {
        self.file("umap_figure", &format!("_{what}.{}", format.ending()))
    }

    fn file(&self, folder: &str, ending: &str) -> PathBuf {
        let name = format!("{}{ending}", self.name);
        self.folder.join(folder).join(name)
    }
}

/// Whether all of these files can be written, see [`check_writable`], and none of them is a folder.
pub(crate) fn check_files(files: &[impl AsRef<Path>]) -> Result<(), WriteError> {
    for path in files.iter().map(AsRef::as_ref) {
        check_writable(path.parent().unwrap_or(path))?;
        if path.is_dir() {
            return Err(WriteError::NotAFile {
                path: path.to_owned(),
            });
        }
    }
    Ok(())
}

/// Whether files can be written into `folder`, or into the nearest folder above it that exists, by
/// writing one and removing it. Does not create the folder.
pub fn check_writable(folder: &Path) -> Result<(), WriteError> {
    let existing = folder
        .ancestors()
        .map(|path| {
            if path == Path::new("") {
                Path::new(".")
            } else {
                path
            }
        })
        .find(|path| path.symlink_metadata().is_ok())
        .unwrap_or(Path::new("."));
    if existing.is_file() {
        return Err(WriteError::NotAFolder {
            path: existing.to_owned(),
        });
    }
    let probe = tempfile::tempfile_in(existing).map(drop);
    probe.map_err(|source| WriteError::NotWritable {
        path: existing.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ALL: Outputs = Outputs {
        pred_label: true,
        embedding: true,
        model_para: true,
        umap: true,
        figure_format: FigureFormat::Png,
        markers: true,
        table_format: TableFormat::Csv,
        tree: true,
        report: true,
        h5ad: true,
    };

    #[test]
    fn outputs_lie_where_the_published_script_puts_them() {
        let paths = OutputPaths::new(Path::new("out"), "zeisel");
        let files = [
            (paths.labels(TableFormat::Csv), "out/pred_label/zeisel.csv"),
            (
                paths.embedding(TableFormat::Csv),
                "out/embedding/zeisel.csv",
            ),
            (paths.model(), "out/model_save/zeisel.safetensors"),
            (
                paths.predicted_figure(FigureFormat::Png),
                "out/umap_figure/zeisel_pred_label.png",
            ),
            (
                paths.true_figure(FigureFormat::Svg),
                "out/umap_figure/zeisel_true_label.svg",
            ),
            (
                paths.tree_figure(FigureFormat::Pdf),
                "out/umap_figure/zeisel_tree.pdf",
            ),
            (paths.markers(TableFormat::Csv), "out/markers/zeisel.csv"),
            (paths.tree(), "out/tree/zeisel.json"),
            (paths.newick(), "out/tree/zeisel.nwk"),
            (paths.report(), "out/report/zeisel.html"),
            (
                paths.multiqc()[0].clone(),
                "out/report/zeisel_clusters_mqc.json",
            ),
            (
                paths.multiqc()[1].clone(),
                "out/report/zeisel_statistics_mqc.json",
            ),
            (paths.h5ad(), "out/h5ad/zeisel.h5ad"),
            (paths.results(), "out/results/zeisel.json"),
        ];
        let any = paths.any();
        for (path, expected) in files {
            assert_eq!(path, Path::new(expected));
            assert!(any.contains(&path) || path == paths.results(), "{expected}");
        }
        assert!(any.contains(&paths.new_cells_figure(FigureFormat::Pdf)));
        assert!(any.contains(&paths.markers(TableFormat::Parquet)));
    }

    #[test]
    fn outputs_of_two_names_are_never_one_file() {
        let files = OutputPaths::new(Path::new("out"), "").any();
        let files: Vec<String> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        let parts: Vec<_> = files
            .iter()
            .filter_map(|file| file.rsplit_once('/'))
            .collect();
        // An ending that ends another one would be that of a longer name.
        for (folder, ending) in &parts {
            let alike = parts
                .iter()
                .filter(|(other, longer)| other == folder && longer.ends_with(ending));
            assert_eq!(alike.count(), 1, "{folder}/{ending}");
        }
    }

    #[test]
    fn a_check_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = OutputPaths::new(&folder.path().join("new/deep"), "x");
        paths.check_writable(ALL).expect("writable");
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn a_file_is_no_output_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("results");
        fs::write(&file, "").expect("a file");
        let refusal = OutputPaths::new(folder.path(), "x")
            .check_writable(ALL)
            .expect_err("a file is in the way");
        assert!(
            matches!(&refusal, WriteError::NotAFolder { path } if *path == file),
            "{refusal}"
        );
        let below = check_writable(&file.join("more")).expect_err("a file is in the way");
        assert!(
            below
                .to_string()
                .starts_with(&format!("{}: this is a file", file.display()))
        );
    }

    #[test]
    fn a_folder_is_no_output_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = OutputPaths::new(folder.path(), "x");
        fs::create_dir_all(paths.labels(TableFormat::Csv)).expect("a folder");
        let refusal = paths
            .check_writable(ALL)
            .expect_err("a folder is in the way");
        assert!(
            matches!(&refusal, WriteError::NotAFile { path } if *path == paths.labels(TableFormat::Csv))
        );
    }

    #[test]
    fn a_folder_that_takes_no_files_is_named() {
        let refusal = check_writable(Path::new("/proc/self")).expect_err("nobody writes there");
        assert!(
            refusal
                .to_string()
                .starts_with("/proc/self: this folder cannot be written to"),
            "{refusal}"
        );
    }

    #[test]
    fn the_working_folder_needs_no_name() {
        check_writable(Path::new("")).expect("writable");
        check_writable(Path::new("not/there")).expect("writable");
    }
}
