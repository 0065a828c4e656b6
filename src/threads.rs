//! Threads of the two pools that share the processor: libtorch's and ours.

use std::thread;

/// Keeps libtorch to the thread that calls it, until dropped.
///
/// On the few cells of a mini-batch most of its operations take less time than waking another thread does. Tasks that this thread
/// gives to others have to [hand this on](hand_on).
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

/// What a task does first on another thread, to keep libtorch to one thread there where it is kept to one here. The number is each
/// thread's own: a thread that was never told starts as many as there are cores.
pub(crate) fn hand_on() -> impl Fn() + Copy + Send + Sync {
    let is_alone = tch::get_num_threads() == 1;
    move || {
        if is_alone {
            tch::set_num_threads(1);
        }
    }
}

/// Threads that were asked for, at most one for each core that this process may use, and a note where there are fewer.
#[must_use]
pub fn within_cores(asked: Option<usize>) -> (Option<usize>, Option<String>) {
    let cores = cores();
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

/// Bounds both pools; every core where `None`, or as many as `OMP_NUM_THREADS` leaves libtorch. To be called before any work:
/// the first call counts.
///
/// The program's main thread is one of our workers, so that what it prepared is worked on where it lies in the cache, and
/// fewer threads have to be woken. Other callers' threads may end before the pool does, and stay outside.
pub fn use_at_most(threads: Option<usize>) {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = threads {
        pool = pool.num_threads(threads);
    }
    if let Some(threads) = threads.or_else(fewer_for_libtorch) {
        tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
    }
    if thread::current().name() == Some("main") {
        pool = pool.use_current_thread();
    }
    // An error says that the pool is in use already, as in a second run of one process.
    let _ = pool.build_global();
}

/// The cores, where libtorch would take more threads: it does not know of a container's quota of processor time.
fn fewer_for_libtorch() -> Option<usize> {
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(0);
    Some(cores()).filter(|&cores| cores < threads)
}

/// Cores that this process may use.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtorch_takes_no_more_threads_than_there_are_cores() {
        let before = tch::get_num_threads();
        let left = |threads| {
            tch::set_num_threads(threads);
            use_at_most(None);
            tch::get_num_threads()
        };
        let cores = i32::try_from(cores()).expect("few cores");
        assert_eq!(left(cores + 7), cores);
        assert_eq!(left(1), 1);
        tch::set_num_threads(before);
    }

    #[test]
    fn threads_beyond_the_cores_are_cut_with_a_note() {
        assert_eq!(within_cores(Some(1)), (Some(1), None));
        assert_eq!(within_cores(None), (None, None));
        let (threads, note) = within_cores(Some(100_000));
        assert!(threads.is_some_and(|threads| threads < 100_000));
        assert!(note.is_some_and(|note| note.starts_with("-threads 100000 is more than the ")));
    }
}
