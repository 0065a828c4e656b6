//! Links against libtorch so that its CUDA libraries are optional and the program can be moved.

use std::{
    env, fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

#[path = "src/libtorch/places.rs"]
#[allow(dead_code, reason = "the launcher uses the rest")]
mod places;

/// The program that links libtorch.
const ENGINE: &str = "attentionae-sc-engine";

fn main() -> io::Result<()> {
    // libtorch names CUDA libraries that a CPU user does not have; GNU ld refuses that unless told otherwise.
    println!("cargo:rustc-link-arg=-Wl,--allow-shlib-undefined");
    // DT_RPATH and not DT_RUNPATH: it holds for what libtorch loads later, too.
    println!("cargo:rustc-link-arg-bin={ENGINE}=-Wl,--disable-new-dtags");
    for place in places::BESIDE.into_iter().chain(places::ENVIRONMENT) {
        println!("cargo:rustc-link-arg-bin={ENGINE}=-Wl,-rpath,$ORIGIN{place}");
    }
    // See src/oldest_glibc.rs.
    println!("cargo:rustc-link-arg-bin={ENGINE}=-Wl,--wrap=hypot,--wrap=hypotf");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/libtorch/places.rs");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let libtorch = env::var_os("LIBTORCH").map(|folder| PathBuf::from(folder).join("lib"));
    libtorch.map_or(Ok(()), |lib| let_tests_find(&lib))
}

/// Tests, benchmarks and examples stay on this machine, and may name its libtorch by its path. Tests of the library itself
/// take no linker arguments of their own: for them, cargo adds folders within `target` that are linked from to
/// LD_LIBRARY_PATH.
fn let_tests_find(lib: &Path) -> io::Result<()> {
    // A source archive leaves tests and examples out.
    for kind in ["tests", "benches", "examples"]
        .into_iter()
        .filter(|kind| Path::new(kind).is_dir())
    {
        println!("cargo:rustc-link-arg-{kind}=-Wl,-rpath,{}", lib.display());
    }
    let within = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("libtorch");
    if within.is_symlink() {
        fs::remove_file(&within)?;
    }
    symlink(lib, &within)?;
    println!("cargo:rustc-link-search=native={}", within.display());
    Ok(())
}
