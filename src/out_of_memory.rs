//! An exit code of its own for a run that finds no memory, so that workflow engines start it again with more.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    any::Any,
    cell::Cell,
    error::Error,
    io, panic,
};

use nix::{
    libc::{self, c_int},
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction},
    unistd::write,
};

use crate::{
    atomic,
    graph::{GraphConfig, STORED_CELLS},
    memory,
};

/// The exit code: what a shell reports of a process that the kernel killed for memory, which engines know.
pub const EXIT_CODE: u8 = 137;

/// What a process says that has no memory left to say more.
const MESSAGE: &str =
    "error: the run finds no memory; give it more, or lower -max_num_cell, -landmarks or -n_hvg\n";

/// Bytes for each pair of cells whose graph is stored, with all that training keeps of it.
const BYTES_PER_PAIR: f64 = 40.0;

/// What libtorch, the C++ library, faer and the system call a lack of memory.
const SAID: [&str; 6] = [
    "AllocError",
    "not enough memory",
    "can't allocate memory",
    "Cannot allocate memory",
    "out of memory",
    "bad_alloc",
];

thread_local! {
    /// The most bytes that this thread ever asked for in vain, 0 where it never did: it is not reset, as the standard library
    /// allocates once more between a refusal and the abort. Constant and without a destructor, so that it is there at every
    /// moment of the thread's life without an allocation.
    static REFUSED: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which remembers a refusal.
#[derive(Debug)]
pub struct Remembering;

// SAFETY: every call is passed on to the system's allocator as it came, and its answer given back.
unsafe impl GlobalAlloc for Remembering {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract.
        remember(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        remember(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        remember(unsafe { System.realloc(place, layout, size) }, size)
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

fn remember(place: *mut u8, size: usize) -> *mut u8 {
    if place.is_null() {
        REFUSED.set(size.max(REFUSED.get()));
    }
    place
}

/// The most bytes that this thread ever asked for in vain; `None` where it never did.
pub(crate) fn refused() -> Option<usize> {
    Some(REFUSED.get()).filter(|&bytes| bytes > 0)
}

/// From now on a process that is aborted or panics for lack of memory ends with [`EXIT_CODE`] and a message.
///
/// # Errors
/// When the system refuses the handler.
pub fn end_with_its_own_code() -> io::Result<()> {
    let action = SigAction::new(
        SigHandler::Handler(on_abort),
        SaFlags::SA_ONSTACK,
        SigSet::empty(),
    );
    // SAFETY: the handler makes system calls only: no allocation, no lock.
    unsafe { sigaction(Signal::SIGABRT, &action) }?;
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        if panic_says_so(panicked.payload()) {
            end();
        }
        before(panicked);
    }));
    Ok(())
}

/// A graph that would not fit.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error(
    "the graph of {n_cells} cells takes about {need_mb:.0} MB in training, and {free_mb:.0} MB of memory are free: lower \
     -max_num_cell, or -landmarks where -batch_size is above 0, or give the run more memory"
)]
pub struct NoRoom {
    n_cells: usize,
    need_mb: f64,
    free_mb: f64,
}

/// Checks that the machine, and the control groups around this process, can hold the graph of so many cells.
///
/// # Errors
/// [`NoRoom`]
pub fn check_room(graph: &GraphConfig, n_cells: usize) -> Result<(), NoRoom> {
    let free_mb = memory::available_mb().unwrap_or(f64::INFINITY);
    fits(graph, n_cells, free_mb)
}

/// What the pairs of so many cells take in training, in MiB: nothing where only neighbours are connected, or where rows are
/// computed anew because they are too many to be stored.
pub(crate) fn pairs_mb(graph: &GraphConfig, n_cells: usize) -> f64 {
    if !graph.is_dense() || n_cells > STORED_CELLS {
        return 0.0;
    }
    BYTES_PER_PAIR * (n_cells * n_cells) as f64 / f64::from(1 << 20)
}

fn fits(graph: &GraphConfig, n_cells: usize, free_mb: f64) -> Result<(), NoRoom> {
    let need_mb = pairs_mb(graph, n_cells);
    if need_mb <= free_mb {
        return Ok(());
    }
    Err(NoRoom {
        n_cells,
        need_mb,
        free_mb,
    })
}

/// Whether an error or a cause of it is a lack of memory.
pub fn says_so(error: &anyhow::Error) -> bool {
    let is_known = |cause: &(dyn Error + 'static)| cause.is::<NoRoom>() || is_system_lack(cause);
    error
        .chain()
        .any(|cause| is_lack(&cause.to_string()) || is_known(cause))
}

fn is_system_lack(cause: &(dyn Error + 'static)) -> bool {
    let error = cause.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
}

fn panic_says_so(payload: &(dyn Any + Send)) -> bool {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.is_some_and(is_lack)
}

fn is_lack(text: &str) -> bool {
    SAID.iter().any(|said| text.contains(said))
}

/// The standard library has said how much it asked for before it aborts.
extern "C" fn on_abort(_: c_int) {
    if refused().is_some() {
        end();
    }
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed; the signal ends the process as it would have without this one.
    let _ = unsafe { sigaction(Signal::SIGABRT, &default) };
    let _ = raise(Signal::SIGABRT);
}

/// Ends the process with the message; without an allocation, and without waiting for a lock.
pub(crate) fn end() -> ! {
    // Nobody is left to tell that stderr is closed.
    let _ = write(io::stderr(), MESSAGE.as_bytes());
    atomic::remove_unfinished_at_once();
    // SAFETY: `_exit` takes any status and never returns; it runs no destructor, which might want memory.
    unsafe { libc::_exit(c_int::from(EXIT_CODE)) }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use anyhow::Context;

    use super::*;
    use crate::graph::Method;

    #[test]
    fn a_graph_that_does_not_fit_is_refused_before_it_is_made() {
        let dense = GraphConfig::published(Method::Gauss, false, 15);
        assert_eq!(fits(&dense, 2000, 200.0), Ok(()));
        let refused = fits(&dense, 4000, 600.0).expect_err("610 MB");
        let text = refused.to_string();
        assert!(
            text.contains("4000 cells")
                && text.contains("610 MB")
                && text.contains("-max_num_cell"),
            "{text}"
        );
        assert!(says_so(&anyhow::Error::from(refused).context("x.h5ad")));
        assert!(fits(&dense, 10_000, 3800.0).is_err());
        // Beyond so many cells nothing is stored, nor are all pairs where only neighbours are connected.
        assert_eq!(fits(&dense, 10_001, 1.0), Ok(()));
        for (method, knn) in [(Method::Gauss, true), (Method::Umap, false)] {
            let near = GraphConfig::published(method, knn, 15);
            assert_eq!(fits(&near, 10_000, 1.0), Ok(()), "{near:?}");
        }
    }

    #[test]
    fn every_library_has_its_own_words_for_it() {
        let words = [
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000 bytes. Error code 12",
            "CUDA out of memory. Tried to allocate 20.00 MiB",
            "std::bad_alloc",
        ];
        for said in words {
            let error: anyhow::Result<()> = Err(anyhow::anyhow!(said)).context("training");
            assert!(says_so(&error.expect_err("an error")), "{said}");
        }
        let system = io::Error::from_raw_os_error(libc::ENOMEM);
        assert!(says_so(&anyhow::Error::from(system).context("x.h5ad")));
        assert!(!says_so(&anyhow::anyhow!("x.h5ad: there is no such file")));
    }

    #[test]
    fn a_refusal_is_remembered_by_the_thread_that_asked() {
        // More than there are addresses; hidden, as the compiler may leave out what nobody uses.
        let layout = Layout::from_size_align(1 << 62, 8).expect("a layout");
        assert_eq!(refused(), None);
        // SAFETY: the layout is not empty; nothing is granted that were to be given back.
        assert!(black_box(unsafe { Remembering.alloc(black_box(layout)) }).is_null());
        assert_eq!(refused(), Some(1 << 62));
        let elsewhere = std::thread::spawn(refused);
        assert_eq!(elsewhere.join().expect("no panic"), None);
    }
}
