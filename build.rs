//! Links against libtorch so that its CUDA libraries are optional and no `LD_LIBRARY_PATH` is needed.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    // libtorch names CUDA libraries that a CPU user does not have; GNU ld refuses that unless told otherwise.
    println!("cargo:rustc-link-arg=-Wl,--allow-shlib-undefined");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let Some(libtorch) = env::var_os("LIBTORCH").map(PathBuf::from) else {
        return;
    };
    if let Some(version) = version(&libtorch) {
        println!("cargo:rustc-env=LIBTORCH_VERSION={version}");
    }
    println!(
        "cargo:rustc-link-arg=-Wl,-rpath,{}",
        libtorch.join("lib").display()
    );
}

/// The version of libtorch: `__version__ = '2.11.0+cpu'` in PyTorch's package, a file of its own in libtorch's archive.
fn version(libtorch: &Path) -> Option<String> {
    let package = fs::read_to_string(libtorch.join("version.py")).ok();
    let package = package.and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("__version__ ="))?;
        Some(line.trim().trim_matches(['\'', '"']).to_owned())
    });
    package.or_else(|| {
        let version = fs::read_to_string(libtorch.join("build-version")).ok()?;
        Some(version.trim().to_owned())
    })
}
