//! Data that lie beside the checkout, in `../shared`, and are not part of the repository.

use std::path::{Path, PathBuf};

use super::skip::skip;

/// A file or folder of `../shared`. Where it is not there the calling test has nothing to compare with, and standard error
/// says so, and how to get it.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    skip(&format!(
        "{} is not there; CONTRIBUTING.md, \"Data beside the checkout\", says where to get it",
        path.display()
    ));
    None
}
