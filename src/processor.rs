//! What of the machine decides the last digits of a result.

use std::env;

/// The version of libtorch that this program was built with, where it was known then.
pub const LIBTORCH: Option<&str> = option_env!("LIBTORCH_VERSION");

/// The widest vector instructions that this program and libtorch use here: `avx512`, `avx2` or `baseline`. Libtorch's
/// `ATEN_CPU_CAPABILITY` may narrow them.
#[must_use]
pub fn instruction_set() -> String {
    let found = if is_x86_feature("avx512f") {
        "avx512"
    } else if is_x86_feature("avx2") {
        "avx2"
    } else {
        "baseline"
    };
    match env::var("ATEN_CPU_CAPABILITY") {
        Ok(asked) if !asked.is_empty() => format!("{found}, libtorch {asked}"),
        _ => found.to_owned(),
    }
}

#[cfg(target_arch = "x86_64")]
fn is_x86_feature(name: &str) -> bool {
    match name {
        "avx512f" => std::arch::is_x86_feature_detected!("avx512f"),
        _ => std::arch::is_x86_feature_detected!("avx2"),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn is_x86_feature(_name: &str) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_and_the_library_are_known() {
        assert!(
            ["avx512", "avx2", "baseline"]
                .iter()
                .any(|set| instruction_set().starts_with(set))
        );
        // Without LIBTORCH the build does not know where to look.
        assert!(LIBTORCH.is_none_or(|version| version.contains('.')));
    }
}
