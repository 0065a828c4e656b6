//! Time and memory that stages take.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;

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
        self.running = Some((name.to_owned(), Instant::now()));
    }

    /// The running stage, if any, is over.
    pub fn end(&mut self) {
        let peak = peak_rss_mb();
        self.peak = [self.peak, peak].into_iter().flatten().reduce(f64::max);
        if let Some((name, started)) = self.running.take() {
            self.done.push(StageUse {
                name,
                seconds: started.elapsed().as_secs_f64(),
                peak_rss_mb: peak,
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

/// Resident memory of this process now, in MiB.
#[must_use]
pub fn rss_mb() -> Option<f64> {
    status_mb("VmRSS:")
}

/// Most resident memory of this process since the last stage began, where the kernel permits, else
/// since it started; in MiB.
#[must_use]
pub fn peak_rss_mb() -> Option<f64> {
    status_mb("VmHWM:")
}

/// Memory that programs can still take without swapping, in MiB: the system's, or what is left of the limit of
/// this process's control group; `None` where neither is known.
#[must_use]
pub fn available_mb() -> Option<f64> {
    let system = fs::read_to_string("/proc/meminfo").ok();
    let system = system.and_then(|info| kibibytes(&info, "MemAvailable:"));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let left = group_folders(&groups).into_iter().filter_map(|folder| {
        let group = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let left =
            |most: &str, used: &str| group_left(group(most).as_deref(), group(used).as_deref());
        left("memory.max", "memory.current")
            .or_else(|| left("memory.limit_in_bytes", "memory.usage_in_bytes"))
    });
    let known = system.map(|kib| kib / 1024.0).into_iter().chain(left);
    known.reduce(f64::min)
}

/// The folders of a process's control groups that may limit memory, each with all those above it, of both versions of
/// Linux's interface. `groups` is `/proc/self/cgroup`: `0::/user.slice/x.service`, or `4:memory:/x`.
fn group_folders(groups: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(kinds), Some(group)) = (fields.next(), fields.next()) else {
            continue;
        };
        let root = match kinds {
            "" => "/sys/fs/cgroup",
            kinds if kinds.split(',').any(|kind| kind == "memory") => "/sys/fs/cgroup/memory",
            _ => continue,
        };
        let group = Path::new(group.trim_start_matches('/'));
        folders.extend(group.ancestors().map(|above| Path::new(root).join(above)));
    }
    folders
}

/// What a control group may still take, in MiB; `None` where it has no limit.
fn group_left(most: Option<&str>, used: Option<&str>) -> Option<f64> {
    let bytes = |text: Option<&str>| text?.trim().parse::<f64>().ok();
    Some((bytes(most)? - bytes(used)?).max(0.0) / f64::from(1 << 20))
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
    fn a_limit_leaves_what_is_not_used() {
        let mib = |n: u64| (n << 20).to_string();
        assert_eq!(group_left(Some(&mib(8)), Some(&mib(3))), Some(5.0));
        assert_eq!(group_left(Some("3\n"), Some("9\n")), Some(0.0));
        assert_eq!(group_left(Some("max\n"), Some("9\n")), None);
        assert_eq!(group_left(None, None), None);
        assert!(available_mb().is_some_and(|mb| mb > 0.0));
    }

    #[test]
    fn a_group_is_limited_by_those_above_it() {
        let folders = group_folders("0::/a.slice/b.scope\n");
        let expected = ["a.slice/b.scope", "a.slice", ""];
        let expected = expected.map(|group| Path::new("/sys/fs/cgroup").join(group));
        assert_eq!(folders, expected);
        let folders = group_folders("5:cpu:/x\n4:hugetlb,memory:/x\n");
        let expected = ["x", ""].map(|group| Path::new("/sys/fs/cgroup/memory").join(group));
        assert_eq!(folders, expected);
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
