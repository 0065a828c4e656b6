//! Finds libtorch on this machine, and tells its version.
//!
//! The launcher compiles this module too: it must not need libtorch itself.

pub mod places;

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use places::{BESIDE, CHECKOUT, ENVIRONMENT, LIBRARY};

/// The version that the program is built against: major and minor number, between which the interface changes.
pub const WANTED: &str = "2.11";

/// libtorch's libraries on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The folder that holds them.
    pub folder: PathBuf,
    /// Whether the program's rpath names that folder.
    pub is_in_rpath: bool,
}

/// Why there is no libtorch to compute with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It is in none of these folders.
    Missing(Vec<PathBuf>),
    /// The first one that was found is of another version.
    OtherVersion {
        /// Where it lies.
        folder: PathBuf,
        /// Which one it is.
        version: String,
    },
}

/// The first libtorch of: beside the program, in the environment around it, in the folder of the variable LIBTORCH, in the checkout.
/// One whose version cannot be told is taken as right.
///
/// # Errors
/// When there is none, or the first is of another version: the program's loader would take no later one.
pub fn find(program: &Path, variable: Option<&Path>) -> Result<Found, Unusable> {
    let in_rpath = BESIDE.iter().chain(&ENVIRONMENT);
    let in_rpath: Vec<PathBuf> = in_rpath.map(|place| below(program, place)).collect();
    let n_in_rpath = in_rpath.len();
    let named = variable.map(|folder| [folder.join("lib"), folder.to_path_buf()]);
    let mut folders = in_rpath;
    folders.extend(named.into_iter().flatten());
    folders.push(below(program, CHECKOUT));
    let holds_it = |folder: &PathBuf| folder.join(LIBRARY).is_file();
    let Some(at) = folders.iter().position(holds_it) else {
        return Err(Unusable::Missing(
            folders.iter().map(|folder| plain(folder)).collect(),
        ));
    };
    let folder = plain(&folders[at]);
    match version(&folder) {
        Some(version) if !is_wanted(&version) => Err(Unusable::OtherVersion { folder, version }),
        _ => Ok(Found {
            folder,
            is_in_rpath: at < n_in_rpath,
        }),
    }
}

/// The version of the libtorch whose libraries lie in `folder`, as `2.11.0+cu130`, where a file beside it tells.
pub fn version(folder: &Path) -> Option<String> {
    let above = folder.parent()?;
    let read = |path: &str| fs::read_to_string(above.join(path)).ok();
    let of_python = read("version.py").and_then(|text| python_version(&text));
    let of_archive = || read("build-version").map(|text| text.trim().to_owned());
    let header = || read("include/torch/headeronly/version.h");
    of_python
        .or_else(of_archive)
        .or_else(|| header_version(&header()?))
}

/// The folder from which this process has loaded libtorch.
pub fn loaded_from() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find_map(|line| {
        let path = &line[line.find('/')?..];
        path.ends_with(LIBRARY).then(|| Path::new(path))
    });
    Some(path?.parent()?.to_path_buf())
}

/// `2.11` and `2.11.0+cu130`, not `2.110.0`
fn is_wanted(version: &str) -> bool {
    let rest = version.strip_prefix(WANTED);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

fn python_version(text: &str) -> Option<String> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("__version__"))?;
    let value = line.trim_start_matches([' ', '=']).trim();
    Some(value.trim_matches(['\'', '"']).to_owned())
}

fn header_version(text: &str) -> Option<String> {
    let number = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("#define TORCH_VERSION_{name} ")))?;
        line.rsplit(' ').next()
    };
    Some(format!(
        "{}.{}.{}",
        number("MAJOR")?,
        number("MINOR")?,
        number("PATCH")?
    ))
}

fn below(program: &Path, place: &str) -> PathBuf {
    program.join(place.trim_start_matches('/'))
}

/// Without `..`: what a user is shown. Links are followed where the folder is there.
fn plain(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| {
        let mut plain = PathBuf::new();
        for component in folder.components() {
            match component {
                Component::ParentDir => drop(plain.pop()),
                other => plain.push(other),
            }
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder below `root` that holds libtorch of this version.
    fn lay(root: &Path, folder: &str, version: &str) -> PathBuf {
        let lib = root.join(folder);
        fs::create_dir_all(&lib).expect("a folder");
        fs::write(lib.join(LIBRARY), "").expect("a file");
        let line = format!("debug = False\n__version__ = '{version}'\n");
        fs::write(lib.parent().expect("above").join("version.py"), line).expect("a file");
        lib.canonicalize().expect("a folder")
    }

    fn program_folder(root: &Path) -> PathBuf {
        let program = root.join("site-packages/attentionae_sc/program");
        fs::create_dir_all(&program).expect("a folder");
        program
    }

    #[test]
    fn the_nearest_is_taken() {
        let root = tempfile::tempdir().expect("a folder");
        let program = program_folder(root.path());
        let named = lay(root.path(), "elsewhere/lib", "2.11.1");
        let variable = root.path().join("elsewhere");
        let found = |variable: Option<&Path>| find(&program, variable);
        let expected = |folder: &Path, is_in_rpath| {
            Ok(Found {
                folder: folder.to_path_buf(),
                is_in_rpath,
            })
        };
        assert!(matches!(found(None), Err(Unusable::Missing(_))));
        assert_eq!(found(Some(&variable)), expected(&named, false));
        assert_eq!(found(Some(&named)), expected(&named, false));
        let environment = lay(root.path(), "site-packages/torch/lib", "2.11.0+cu130");
        assert_eq!(found(Some(&variable)), expected(&environment, true));
        let beside = lay(&program, "torch/lib", "2.11");
        assert_eq!(found(Some(&variable)), expected(&beside, true));
    }

    #[test]
    fn another_version_is_refused_also_where_a_later_place_has_the_right_one() {
        let root = tempfile::tempdir().expect("a folder");
        let program = program_folder(root.path());
        lay(root.path(), "elsewhere/lib", "2.11.0");
        let folder = lay(root.path(), "site-packages/torch/lib", "2.10.0+cpu");
        let version = "2.10.0+cpu".to_owned();
        let found = find(&program, Some(&root.path().join("elsewhere")));
        assert_eq!(found, Err(Unusable::OtherVersion { folder, version }));
    }

    #[test]
    fn every_distribution_tells_its_version() {
        assert!(is_wanted("2.11") && is_wanted("2.11.0+cu130") && is_wanted("2.11.0a0"));
        assert!(!is_wanted("2.110.0") && !is_wanted("2.1.1") && !is_wanted("12.11"));
        assert_eq!(
            python_version("a = 1\n__version__ = '2.11.0+cpu'\n").as_deref(),
            Some("2.11.0+cpu")
        );
        let header = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 11\n#define TORCH_VERSION_PATCH 3\n";
        assert_eq!(header_version(header).as_deref(), Some("2.11.3"));
        assert_eq!(header_version("#define TORCH_VERSION_MAJOR 2\n"), None);
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("build-version"), "2.9.1+cpu\n").expect("a file");
        assert_eq!(
            version(&root.path().join("lib")).as_deref(),
            Some("2.9.1+cpu")
        );
    }

    #[test]
    fn this_process_has_loaded_it_from_somewhere() {
        let started = tch::get_num_threads();
        assert!(started > 0);
        let folder = loaded_from().expect("libtorch");
        assert!(folder.join(LIBRARY).is_file(), "{}", folder.display());
        assert!(version(&folder).is_none_or(|version| is_wanted(&version)));
    }
}
