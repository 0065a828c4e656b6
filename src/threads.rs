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
