//! Time and memory that stages take.

use std::{fs, time::Instant};

use serde::Serialize;

use crate::cgroup;

/// What one stage took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageUse {
    /// The stage.
    pub name: String,
    /// Wall-clock time.
    pub seconds: f64,
    /// Most resident memory of the process up to the end of the stage, in MiB; `None` where the system does not tell.
    pub peak_rss_mb: Option<f64>,
}

/// Measures stages one after the other.
#[derive(Debug)]
pub struct StageLog {
    started: Instant,
    running: Option<(String, Instant)>,
    done: Vec<StageUse>,
    peak: Option<f64>,
}

impl StageLog {
    /// Starts the clock of the whole.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            running: None,
            done: Vec::new(),
            peak: peak_rss_mb(),
        }
    }

    /// A stage begins; the one before, if any, is over.
    pub fn begin(&mut self, name: &str) {
        self.end();
        give_back();
        self.running = Some((name.to_owned(), Instant::now()));
    }

    /// The running stage, if any, is over.
    pub fn end(&mut self) {
        self.peak = peak_rss_mb();
        if let Some((name, started)) = self.running.take() {
            self.done.push(StageUse {
                name,
                seconds: started.elapsed().as_secs_f64(),
                peak_rss_mb: self.peak,
            });
        }
    }

    /// The stages that are over, in order.
    #[must_use]
    pub fn stages(&self) -> &[StageUse] {
        &self.done
    }

    /// Wall-clock seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Most resident memory of the process up to the end of the last stage, in MiB.
    #[must_use]
    pub fn peak_rss_mb(&self) -> Option<f64> {
        self.peak
    }
}

/// Gives memory that is free within the process back to the system. The C library keeps what many small allocations leave,
/// each thread by itself: after thousands of clusters' counts these are hundreds of MB that later stages cannot use.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the function takes a number, may be called at any time by any thread, and moves nothing that is in use.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// Resident memory of this process now, in MiB.
#[must_use]
pub fn rss_mb() -> Option<f64> {
    status_mb("VmRSS:")
}

/// Most resident memory of this process since it started, in MiB.
#[must_use]
pub fn peak_rss_mb() -> Option<f64> {
    status_mb("VmHWM:")
}

/// Memory that programs can still take without swapping, in MiB: the system's, or what is left of the limits of
/// the control groups around this process; `None` where neither is known.
#[must_use]
pub fn available_mb() -> Option<f64> {
    let system = fs::read_to_string("/proc/meminfo").ok();
    let system = system.and_then(|info| kibibytes(&info, "MemAvailable:"));
    let groups = cgroup::left_bytes().map(|bytes| bytes / f64::from(1 << 20));
    let known = [system.map(|kib| kib / 1024.0), groups];
    known.into_iter().flatten().reduce(f64::min)
}

/// Writable memory of this process now, in bytes: what the limit on data counts.
pub(crate) fn data_bytes() -> Option<u64> {
    status_mb("VmData:").map(|mb| (mb * 1024.0 * 1024.0) as u64)
}

fn status_mb(field: &str) -> Option<f64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, field).map(|kib| kib / 1024.0)
}

fn kibibytes(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_status_file_is_read() {
        let status = "Name:\tx\nVmHWM:\t  131072 kB\nVmRSS:\t 2048 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(131_072.0));
        assert_eq!(kibibytes(status, "VmRSS:"), Some(2048.0));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
        assert_eq!(kibibytes("VmHWM: lots", "VmHWM:"), None);
    }

    #[test]
    fn there_is_memory_to_test_with() {
        assert!(available_mb().is_some_and(|mb| mb > 0.0));
    }

    #[test]
    fn a_stage_shows_the_memory_it_touched() {
        let mut log = StageLog::start();
        log.begin("large");
        let touched = vec![1_u8; 256 << 20];
        assert_eq!(std::hint::black_box(&touched)[5], 1);
        drop(touched);
        log.begin("small");
        log.end();
        let [large, small] = log.stages() else {
            panic!("two stages, not {:?}", log.stages());
        };
        assert_eq!(
            (large.name.as_str(), small.name.as_str()),
            ("large", "small")
        );
        let peak = large.peak_rss_mb.expect("Linux tells");
        assert!(peak >= 256.0, "{peak}");
        assert!(log.peak_rss_mb() >= large.peak_rss_mb);
        assert!(log.seconds() >= large.seconds + small.seconds);
    }
}
