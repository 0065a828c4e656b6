//! What a run needs before it reads: threads, places for its outputs, and a device.

use anyhow::Context;
use tch::Device;

use super::Run;
use crate::{
    config::RunConfig,
    kernels::device::{Cuda, DeviceError, gpu, has_driver},
    progress::Progress,
    read::check_there,
    threads,
    write::{OutputPaths, Replacement, Writer},
};

impl Run<'_> {
    /// Threads and device, once the input is known to be there and outputs to have a place.
    pub(super) fn set_up(&self) -> anyhow::Result<Device> {
        let config = self.config;
        let (n_threads, note) = threads::within_cores(config.threads);
        if let Some(note) = note {
            self.progress.note(&note);
        }
        threads::use_at_most(n_threads);
        check_there(&config.inputs)?;
        OutputPaths::of(config).check_writable(config.outputs())?;
        Replacement::of_run(config, Writer::Run).check()?;
        device(config, self.progress)
    }
}

/// The device that the run asks for, or the best there is.
fn device(config: &RunConfig, progress: &Progress) -> anyhow::Result<Device> {
    match config.cuda {
        Cuda::Never => Ok(Device::Cpu),
        Cuda::Always => gpu().context("-cuda True needs a GPU, and none can be used"),
        Cuda::Auto if config.train.has_small_batches() => {
            if has_driver() {
                progress.note(
                    "the network is trained on the CPU, which is as fast as a GPU with small batches; -cuda True trains it on \
                     the GPU",
                );
            }
            Ok(Device::Cpu)
        }
        Cuda::Auto => Ok(gpu().unwrap_or_else(|reason| {
            if !matches!(reason, DeviceError::NoDriver) {
                progress.note(&format!("the network is trained on the CPU: {reason}"));
            }
            Device::Cpu
        })),
    }
}
