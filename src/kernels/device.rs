//! Where the model trains: the CPU, or a GPU whose libraries are loaded only when it is wanted.

use std::path::Path;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use tch::Device;

/// Whether the GPU is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cuda {
    /// Where there is one, and steps are large enough to keep it busy.
    Auto,
    /// Always; an error without one.
    Always,
    /// Never.
    Never,
}

/// libtorch's CUDA part; the program itself links only the CPU part.
const CUDA_LIBRARY: &str = "libtorch_cuda.so";

/// What an NVIDIA driver leaves behind on Linux and on WSL.
const DRIVER_FILES: [&str; 3] = ["/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg"];

/// Why there is no GPU to train on.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No driver, so no GPU.
    #[error("no NVIDIA driver was found on this machine")]
    NoDriver,
    /// libtorch's CUDA libraries are missing or incomplete.
    #[error("libtorch's CUDA libraries cannot be loaded; `make cuda` installs them ({reason})")]
    NoLibrary {
        /// What the system's loader says.
        reason: String,
    },
    /// Driver and libraries are there, but no device answers.
    #[error("the CUDA libraries find no usable GPU; see `nvidia-smi`")]
    NoDevice,
}

/// The first GPU, once libtorch's CUDA part is loaded into the process.
///
/// # Errors
///
/// When the driver, the libraries or the GPU are missing.
pub fn gpu() -> Result<Device, DeviceError> {
    if !has_driver() {
        return Err(DeviceError::NoDriver);
    }
    load_cuda()?;
    if tch::Cuda::is_available() {
        Ok(Device::Cuda(0))
    } else {
        Err(DeviceError::NoDevice)
    }
}

/// Whether there seems to be a GPU, found out in no time.
#[must_use]
pub fn has_driver() -> bool {
    DRIVER_FILES.iter().any(|file| Path::new(file).exists())
}

/// Loads libtorch's CUDA part for the rest of the process; its initialisers register it with the CPU part.
fn load_cuda() -> Result<(), DeviceError> {
    // SAFETY: the library's initialisers run; it is libtorch's own, from the folder that the CPU part was loaded
    // from (the program's rpath), and made to be loaded late. No symbol of it is looked up here.
    let library = unsafe { Library::open(Some(CUDA_LIBRARY), RTLD_NOW | RTLD_GLOBAL) };
    match library {
        Ok(library) => {
            // Unloading it would leave libtorch with dangling registrations.
            std::mem::forget(library);
            Ok(())
        }
        Err(reason) => Err(DeviceError::NoLibrary {
            reason: reason.to_string(),
        }),
    }
}
