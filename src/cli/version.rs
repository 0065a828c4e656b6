//! What the program is and what it computes with: `--version`.

use crate::{
    kernels::device::{DeviceError, gpu},
    libtorch,
    processor::instruction_set,
};

/// The program's name and version, then a line each for libtorch, the processor's instructions and the GPU.
pub(super) fn text() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let (libtorch, instructions, cuda) = (
        libtorch_line(),
        instruction_set(),
        cuda_line(gpu().map(drop)),
    );
    format!(
        "attentionae-sc {version}\nlibtorch: {libtorch}\ninstruction set: {instructions}\nCUDA: {cuda}\n"
    )
}

fn libtorch_line() -> String {
    let Some(folder) = libtorch::loaded_from() else {
        return libtorch::WANTED.to_owned();
    };
    let version = libtorch::version(&folder).unwrap_or_else(|| libtorch::WANTED.to_owned());
    format!("{version} in {}", folder.display())
}

fn cuda_line(gpu: Result<(), DeviceError>) -> String {
    match gpu {
        Ok(()) => "a GPU is ready".to_owned(),
        Err(error) => format!("not used, {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_a_bug_report_needs() {
        let text = text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(
            lines[0],
            concat!("attentionae-sc ", env!("CARGO_PKG_VERSION"))
        );
        assert!(
            lines[1].starts_with(&format!("libtorch: {}", libtorch::WANTED)),
            "{text}"
        );
        assert!(lines[2].contains("x86-64"), "{text}");
        assert!(cuda_line(Err(DeviceError::NoDriver)).contains("no NVIDIA driver"));
    }
}
