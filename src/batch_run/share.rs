//! How data sets that run side by side share threads and memory.

use std::{
    fs::Metadata,
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::{
    config::RunConfig, graph::STORED_CELLS, memory, out_of_memory::pairs_mb, read::files_of,
};

/// What any run takes: libtorch, and the counts in use, in MiB.
const BASE_MB: f64 = 512.0;
/// Memory that a compressed HDF5 matrix stored by genes takes, relative to its file.
const UNPACKED_HDF5: f64 = 4.0;
/// Memory that the counts of compressed text take, relative to its file.
const UNPACKED_TEXT: f64 = 12.0;

/// The threads of each of `jobs` runs, out of `threads` or every core.
pub(super) fn threads_each(threads: Option<usize>, jobs: usize) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    (threads.unwrap_or_else(cores).min(cores()) / jobs).max(1)
}

/// The memory that a run may need, in MiB: an estimate on the safe side.
pub(super) fn need_mb(run: &RunConfig) -> f64 {
    let in_graph = match run.train.batch_size {
        Some(_) => run.landmarks.min(run.max_num_cell),
        None => run.max_num_cell,
    };
    // The file may hold fewer cells than that, and as many as are stored.
    let most_stored = in_graph.min(STORED_CELLS);
    let unpacked: f64 = run
        .inputs
        .paths()
        .flat_map(files_of)
        .map(|file| unpacked_mb(&file))
        .sum();
    BASE_MB + pairs_mb(&run.graph, most_stored) + unpacked
}

/// The memory that what is read of a file may take, 0 where there is none.
fn unpacked_mb(path: &Path) -> f64 {
    let ending = path.extension().unwrap_or_default();
    let unpacked = if ending == "h5ad" || ending == "h5" {
        UNPACKED_HDF5
    } else {
        UNPACKED_TEXT
    };
    let size = |metadata: Metadata| metadata.len() as f64 / f64::from(1 << 20);
    unpacked * path.metadata().map_or(0.0, size)
}

/// Memory that several runs share.
#[derive(Debug)]
pub(super) struct Memory {
    /// What there is for all, in MiB; no limit where the system does not tell.
    total_mb: f64,
    used: Mutex<Used>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Used {
    runs: usize,
    mb: f64,
}

/// A run's share of the memory, given back when dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    memory: &'a Memory,
    mb: f64,
}

impl Memory {
    /// The memory that is free now.
    pub(super) fn free_now() -> Self {
        Self::of(memory::available_mb().unwrap_or(f64::INFINITY))
    }

    fn of(total_mb: f64) -> Self {
        Self {
            total_mb,
            used: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Waits until a run that needs `mb` fits beside those that have a share. A run by itself always does.
    pub(super) fn share(&self, mb: f64) -> Share<'_> {
        let is_full = |used: &mut Used| used.runs > 0 && used.mb + mb > self.total_mb;
        let waited = self.freed.wait_while(self.used(), is_full);
        let mut used = waited.unwrap_or_else(PoisonError::into_inner);
        used.runs += 1;
        used.mb += mb;
        Share { memory: self, mb }
    }

    /// Both numbers are changed together, by code that does not panic.
    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut used = self.memory.used();
        used.runs -= 1;
        used.mb -= self.mb;
        drop(used);
        self.memory.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use super::*;
    use crate::cli::{Request, parse};

    #[test]
    fn only_a_graph_of_all_pairs_of_cells_takes_memory() {
        let need = |more: &str| {
            let line = format!("a -name x -preset published {more}");
            let Ok(Request::Run(config)) = parse(line.split(' ').map(Into::into)) else {
                panic!("not a run: {line}");
            };
            need_mb(&config) - BASE_MB
        };
        assert!((need("-max_num_cell 1000") - 38.1).abs() < 0.1);
        assert!((need("-max_num_cell 20000") - 3814.7).abs() < 0.1);
        for more in ["-knn True", "-connectivity_methods umap"] {
            assert!(need(more).abs() < 1e-9, "{more}");
        }
    }

    #[test]
    fn threads_are_split_and_never_none() {
        assert_eq!(threads_each(Some(1), 3), 1);
        assert_eq!(threads_each(Some(2), 5), 1);
        assert_eq!(threads_each(Some(100_000), 1), threads_each(None, 1));
        assert!(threads_each(None, 1) >= 1);
    }

    /// The most runs that were in memory at once.
    fn most_at_once(total_mb: f64, needs: &[f64]) -> usize {
        let memory = Memory::of(total_mb);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for &mb in needs {
                let (memory, now, most) = (&memory, &now, &most);
                scope.spawn(move || {
                    let _share = memory.share(mb);
                    most.fetch_max(1 + now.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(30));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        most.into_inner()
    }

    #[test]
    fn runs_wait_for_memory_and_one_always_runs() {
        assert!(most_at_once(100.0, &[40.0; 6]) <= 2);
        assert_eq!(most_at_once(100.0, &[500.0, 40.0, 500.0]), 1);
        assert_eq!(most_at_once(f64::INFINITY, &[1.0]), 1);
    }
}
