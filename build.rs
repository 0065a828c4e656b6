//! Links against libtorch so that its CUDA libraries are optional and no `LD_LIBRARY_PATH` is needed.

use std::{env, path::PathBuf};

fn main() {
    // libtorch names CUDA libraries that a CPU user does not have; GNU ld refuses that unless told otherwise.
    println!("cargo:rustc-link-arg=-Wl,--allow-shlib-undefined");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let Some(libtorch) = env::var_os("LIBTORCH").map(PathBuf::from) else {
        return;
    };
    println!(
        "cargo:rustc-link-arg=-Wl,-rpath,{}",
        libtorch.join("lib").display()
    );
}
