//! Runs of the program, as a user starts it.

use std::{path::Path, process::Command};

use serde_json::Value;

/// What a run left behind.
pub struct Outcome {
    /// `results/NAME.json`.
    pub results: Value,
    /// Cluster of every cell.
    pub labels: Vec<usize>,
    /// What the run said on stderr.
    pub said: String,
}

impl Outcome {
    /// The stages of the run, in order, with their seconds.
    pub fn stages(&self) -> Vec<(&str, f64)> {
        let stages = self.results["stages"].as_array().expect("stages");
        stages
            .iter()
            .map(|stage| {
                let name = stage["name"].as_str().expect("a name");
                (name, stage["seconds"].as_f64().expect("seconds"))
            })
            .collect()
    }

    /// Seconds that a stage took; 0 where there was none.
    pub fn seconds(&self, stage: &str) -> f64 {
        let stages = self.stages();
        let found = stages.iter().find(|(name, _)| *name == stage);
        found.map_or(0.0, |(_, seconds)| *seconds)
    }

    /// Epochs of a training phase, `most` where it did not end before.
    pub fn epochs(&self, phase: &str, most: usize) -> usize {
        let ended = format!("{phase}: done after ");
        let mut lines = self.said.lines();
        let epochs = lines.find_map(|line| line.trim().strip_prefix(&ended)?.split(' ').next());
        epochs.map_or(most, |epochs| epochs.parse().expect("a number of epochs"))
    }

    /// The best F1 that any cluster has with the cells of a type, `types` being those of all cells.
    pub fn best_f1(&self, types: &[usize], of_type: usize) -> f64 {
        let k = self.labels.iter().max().map_or(0, |last| last + 1);
        let (mut both, mut cluster) = (vec![0.0; k], vec![0.0; k]);
        for (&label, &other) in self.labels.iter().zip(types) {
            cluster[label] += 1.0;
            both[label] += f64::from(u8::from(other == of_type));
        }
        let size: f64 = both.iter().sum();
        let f1 = |(both, cluster): (&f64, &f64)| 2.0 * both / (cluster + size);
        both.iter().zip(&cluster).map(f1).fold(0.0, f64::max)
    }
}

/// Clusters a file with these options.
pub fn run(input: &Path, options: &[&str]) -> Outcome {
    let output = tempfile::tempdir().expect("a folder for outputs");
    let said = start(output.path(), &[&["-name", text(input)], options].concat());
    let text = the_file(&output.path().join("results"));
    let labels = the_file(&output.path().join("pred_label"));
    Outcome {
        results: serde_json::from_str(&text).expect("JSON"),
        labels: labels
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(1).expect("a column").parse())
            .collect::<Result<_, _>>()
            .expect("labels are numbers"),
        said,
    }
}

/// Starts the program, whose outputs are to be in a folder, and waits for its end; what it said.
pub fn start(output: &Path, args: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .args(args)
        .args(["-output_dir", text(output)])
        .output()
        .expect("the program starts");
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{}: {stderr}", args.join(" "));
    stderr
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// What the one file in a folder says.
fn the_file(folder: &Path) -> String {
    let mut files = std::fs::read_dir(folder).expect("a folder").flatten();
    let file = files.next().expect("one file");
    std::fs::read_to_string(file.path()).expect("text")
}
