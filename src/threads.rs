//! Threads of the two pools that share the processor: libtorch's and ours.

use std::thread;

/// Keeps libtorch to the thread that calls it, until dropped.
///
/// On the few cells of a mini-batch most of its operations take less time than waking another thread does.
#[derive(Debug)]
pub struct LibtorchAlone {
    n_threads: i32,
}

impl LibtorchAlone {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        let n_threads = tch::get_num_threads();
        tch::set_num_threads(1);
        Self { n_threads }
    }
}

impl Drop for LibtorchAlone {
    fn drop(&mut self) {
        tch::set_num_threads(self.n_threads);
    }
}

/// Threads that were asked for, at most one for each core that this process may use, and a note where there are fewer.
#[must_use]
pub fn within_cores(asked: Option<usize>) -> (Option<usize>, Option<String>) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    match asked {
        Some(asked) if asked > cores => {
            let note = format!(
                "-threads {asked} is more than the {cores} cores there are: {cores} are used"
            );
            (Some(cores), Some(note))
        }
        asked => (asked, None),
    }
}

/// Bounds both pools; every core where `None`. To be called before any work: the first call counts.
///
/// The program's main thread is one of our workers, so that what it prepared is worked on where it lies in the cache, and
/// fewer threads have to be woken. Other callers' threads may end before the pool does, and stay outside.
pub fn use_at_most(threads: Option<usize>) {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = threads {
        tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
        pool = pool.num_threads(threads);
    }
    if thread::current().name() == Some("main") {
        pool = pool.use_current_thread();
    }
    // An error says that the pool is in use already, as in a second run of one process.
    let _ = pool.build_global();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_beyond_the_cores_are_cut_with_a_note() {
        assert_eq!(within_cores(Some(1)), (Some(1), None));
        assert_eq!(within_cores(None), (None, None));
        let (threads, note) = within_cores(Some(100_000));
        assert!(threads.is_some_and(|threads| threads < 100_000));
        assert!(note.is_some_and(|note| note.starts_with("-threads 100000 is more than the ")));
    }
}
