//! What of the processor decides the last digits of a result.

use std::env;

/// The vector instructions that the program's own kernels are run with here. Libtorch chooses the same, unless its
/// `ATEN_CPU_CAPABILITY` narrows them, which is then told.
#[must_use]
pub fn instruction_set() -> String {
    let own = match pulp::Arch::new() {
        pulp::Arch::V4(_) => "AVX-512 (x86-64-v4)",
        pulp::Arch::V3(_) => "AVX2 (x86-64-v3)",
        _ => "SSE2 (x86-64)",
    };
    match env::var("ATEN_CPU_CAPABILITY") {
        Ok(asked) if !asked.is_empty() => format!("{own}, libtorch {asked}"),
        _ => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_are_named() {
        assert!(instruction_set().contains("x86-64"));
    }
}
