//! Damaged copies of sound files: each ends in a result or in one clear error.
//!
//! `DAMAGED_COPIES` says how many are tried, `DAMAGED_SEED` which. A copy that fails is kept for a look at it.

#[path = "../common/mod.rs"]
mod common;
mod copies;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
    time::Duration,
};

use attentionae_sc::h5ad::{Column, NewH5ad, write_h5ad};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use zip::ZipArchive;

use common::{
    dense,
    golden::small_path,
    others::{Named, write_h5mu, write_loom},
    process::{Ended, run_within},
    short::SHORT,
    simulate,
};

/// How many copies are tried where nothing else is asked for.
const COPIES: u64 = 40;
/// Far beyond what the program allows the HDF5 library, on a busy machine too.
const TIME_LIMIT: Duration = Duration::from_secs(150);
/// The most memory that a small file may cost, in MiB.
const MOST_MB: u64 = 1000;

/// A number from the environment.
fn asked_for<T: FromStr>(name: &str, default: T) -> T {
    let Ok(typed) = env::var(name) else {
        return default;
    };
    typed.parse().unwrap_or_else(|_| panic!("{name}={typed}"))
}

/// Small files: one that anndata wrote, one of this program's own, loom and h5mu.
fn sound_files(folder: &Path) -> [Vec<u8>; 4] {
    let own = folder.join("own.h5ad");
    let counts = simulate::counts(40, 30, 0.5, 1);
    let (n_cells, n_genes) = counts.shape();
    let named = |kind: &str, n: usize| (0..n).map(|i| format!("{kind}{i}")).collect::<Vec<_>>();
    let labels = (0..n_cells).map(|cell| Some(format!("type {}", cell % 3)));
    let data = NewH5ad {
        obs_names: named("cell", n_cells),
        var_names: named("gene", n_genes),
        obs: vec![
            ("celltype".to_owned(), Column::Categorical(labels.collect())),
            ("barcode".to_owned(), Column::Text(named("AAAC", n_cells))),
        ],
        uns: vec![("source".to_owned(), "simulated".to_owned())],
        var: Vec::new(),
        counts: &counts,
    };
    write_h5ad(&own, &data).expect("a sound file");
    let types: Vec<String> = (0..n_cells)
        .map(|cell| format!("type {}", cell % 3))
        .collect();
    let named = Named {
        counts: &dense(&counts),
        cells: &data.obs_names,
        genes: &data.var_names,
        types: &types,
    };
    let [loom, h5mu] = ["own.loom", "own.h5mu"].map(|name| folder.join(name));
    write_loom(&loom, &named);
    write_h5mu(&h5mu, &named);
    [small_path(), own, loom, h5mu].map(|path| fs::read(path).expect("a sound file"))
}

/// A run of the program on a file; every fourth is a conversion.
fn run(path: &Path, output: &Path, number: u64) -> Ended {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    program.env("HDF5_USE_FILE_LOCKING", "FALSE");
    if number % 4 == 3 {
        program.arg("preprocess").arg(path);
        program.args(["-quiet", "-data_dir"]).arg(output);
    } else {
        program.arg("-name").arg(path).args(SHORT);
        program.args(["-quiet", "-threads", "1"]);
        program.arg("-output_dir").arg(output);
    }
    run_within(&mut program, TIME_LIMIT)
}

/// What is wrong with how a run ended, if anything.
fn complaint(ended: &Ended, output: &Path) -> Option<&'static str> {
    let has_output = files(output) > 0;
    let is_one_message = ended.stderr.starts_with("error: ") && ended.stderr.lines().count() <= 2;
    match ended.status.code() {
        _ if ended.timed_out => Some("it did not end"),
        _ if ended.peak_mb > MOST_MB => Some("it took too much memory"),
        _ if ended.stderr.contains("panicked") => Some("it panicked"),
        Some(0) if !has_output || ended.stdout.is_empty() => Some("a success without a result"),
        Some(1) if has_output => Some("an error, and an output file"),
        Some(1) if !ended.stdout.is_empty() => Some("an error, and a result"),
        Some(1) if !is_one_message => Some("an error without one clear message"),
        Some(0 | 1) => None,
        _ => Some("it ended neither with 0 nor with 1"),
    }
}

/// The number of files below a folder, hidden ones too.
fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |path: PathBuf| if path.is_dir() { files(&path) } else { 1 };
    entries.map(|entry| count(entry.path())).sum()
}

/// Tries one copy: how it ended, and a complaint that names the file, which is then kept.
fn try_copy(sound: &[u8], seed: u64, number: u64) -> (Ended, Option<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("copy.h5ad");
    fs::write(&path, copies::damaged(sound, seed, number)).expect("a copy");
    let output = folder.path().join("out");
    let ended = run(&path, &output, number);
    let complaint = complaint(&ended, &output).map(|what| {
        let kept =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("damaged-{seed}-{number}.h5ad"));
        fs::copy(&path, &kept).expect("a copy");
        format!("{}: {what}: {ended:?}", kept.display())
    });
    (ended, complaint)
}

#[test]
fn damaged_copies_end_in_a_result_or_in_one_clear_error() {
    let (n_copies, seed) = (
        asked_for("DAMAGED_COPIES", COPIES),
        asked_for("DAMAGED_SEED", 1),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let sound = sound_files(folder.path());
    let tried = (0..n_copies).into_par_iter().map(|number| {
        // Conversions, which are every fourth, are of every file.
        try_copy(&sound[(number / 4 + number) as usize % 4], seed, number)
    });
    let (ended, complaints): (Vec<_>, Vec<_>) = tried.unzip();
    let successes = ended.iter().filter(|ended| ended.status.success()).count();
    println!(
        "{n_copies} damaged copies: {successes} results, {} errors; at most {:.0} s and {} MiB",
        ended.len() - successes,
        ended.iter().map(|ended| ended.seconds).fold(0.0, f64::max),
        ended
            .iter()
            .map(|ended| ended.peak_mb)
            .max()
            .unwrap_or_default(),
    );
    let complaints: Vec<String> = complaints.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Gives the free space of every heap of texts a length of 0, which HDF5 steps over without end.
fn with_endless_heaps(mut bytes: Vec<u8>) -> Vec<u8> {
    let number = |bytes: &[u8], at: usize| {
        let number = bytes[at..at + 8].try_into().expect("eight bytes");
        u64::from_le_bytes(number) as usize
    };
    let is_heap = |&start: &usize| bytes[start..].starts_with(b"GCOL");
    let heaps: Vec<usize> = (0..bytes.len()).filter(is_heap).collect();
    for start in heaps {
        let end = start + number(&bytes, start + 8);
        let mut object = start + 16;
        while object < end && bytes[object..object + 2] != [0, 0] {
            object += 16 + number(&bytes, object + 8).next_multiple_of(8);
        }
        bytes[object + 8..object + 16].fill(0);
    }
    bytes
}

#[test]
fn a_file_on_which_the_hdf5_library_never_returns_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("endless.h5ad");
    let sound = fs::read(small_path()).expect("a sound file");
    fs::write(&path, with_endless_heaps(sound)).expect("a file");
    let ended = run(&path, &folder.path().join("out"), 0);
    let expected = format!(
        "error: {}: obs cannot be read: the HDF5 library does not finish. The file may be damaged, cut short, or \
         being written: copy or download it again, or, where Python can read it, rewrite it with \
         adata.write_h5ad(\"new.h5ad\")\n",
        path.display()
    );
    assert_eq!(ended.stderr, expected);
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(files(&folder.path().join("out")), 0);
}

/// A folder in the Zarr format, from an archive of `tests/formats`.
fn unpack(name: &str, target: &Path) {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/formats")
        .join(name);
    let archive = fs::File::open(archive).expect("an archive");
    let mut archive = ZipArchive::new(archive).expect("an archive");
    archive.extract(target).expect("a folder");
}

/// All files below a folder, sorted.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = |path: PathBuf| {
        if path.is_dir() {
            all_files(&path)
        } else {
            vec![path]
        }
    };
    let mut files: Vec<PathBuf> = entries.flat_map(|entry| below(entry.path())).collect();
    files.sort();
    files
}

/// Removes, cuts or changes one of the files that are read.
fn damage(files: &[PathBuf], seed: u64, number: u64) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    let file = files.choose(&mut random).expect("a file");
    let mut bytes = fs::read(file).expect("a file");
    let place = random.random_range(0..bytes.len().max(1));
    let kind = random.random_range(0..5);
    match kind {
        0 => fs::remove_file(file).expect("a file"),
        1 => bytes.truncate(place),
        2 => bytes[place] ^= 1 << random.random_range(0..8),
        // A digit of a shape, of a chunk or of a size.
        3 => {
            let digits: Vec<usize> = (0..bytes.len())
                .filter(|&at| bytes[at].is_ascii_digit())
                .collect();
            let at = digits.choose(&mut random).copied().unwrap_or(place);
            bytes.splice(at..=at, b"9999999999".iter().copied());
        }
        _ => bytes[place] = random.random(),
    }
    if kind > 0 {
        fs::write(file, bytes).expect("a file");
    }
    format!("{} ({kind}, at {place})", file.display())
}

#[test]
fn damaged_zarr_folders_end_in_a_result_or_in_one_clear_error() {
    let (n_copies, seed) = (
        asked_for("DAMAGED_COPIES", COPIES),
        asked_for("DAMAGED_SEED", 1),
    );
    let names = ["zarr_v2", "zarr_v3", "zarr_v3_sharded"];
    let tried = (0..n_copies).into_par_iter().map(|number| {
        let folder = tempfile::tempdir().expect("a folder");
        let name = names[number as usize % names.len()];
        unpack(&format!("{name}.zarr.zip"), folder.path());
        let path = folder.path().join(format!("{name}.zarr"));
        let is_read = |file: &PathBuf| {
            let below = file.strip_prefix(&path).expect("a file below");
            ["X", "obs", "var"]
                .iter()
                .any(|part| below.starts_with(part))
        };
        let files: Vec<PathBuf> = all_files(&path).into_iter().filter(is_read).collect();
        let what = damage(&files, seed, number);
        let output = folder.path().join("out");
        // Conversions read all that a run does.
        let ended = run(&path, &output, 3);
        let complaint = complaint(&ended, &output);
        (
            ended,
            complaint.map(|complaint| format!("{what}: {complaint}")),
        )
    });
    let (ended, complaints): (Vec<_>, Vec<_>) = tried.unzip();
    let successes = ended.iter().filter(|ended| ended.status.success()).count();
    println!("{n_copies} damaged folders: {successes} results");
    assert!(successes < ended.len(), "no damage was noticed");
    let complaints: Vec<String> = complaints.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
