//! Calls into the HDF5 library that end in an answer or in a message, whatever a damaged file does to them.
//!
//! The library checks little of what a file says of itself: one changed byte can make it read outside of its
//! memory, ask for terabytes, or never return. No wrapper can stop that from outside, so each call runs
//!
//! * with a limit on the memory of the process, at which the library's allocations fail and it returns an error;
//! * under a timer of the thread's own processor time, so that slow disks and busy machines do not count;
//! * with handlers for the signals of a crash.
//!
//! Timer and crash end the process: exit code 1, a message that names the file, no temporary file left. An abort because the system
//! refuses memory within that limit ends it as a lack of memory does elsewhere. A call
//! costs a fraction of a millisecond more for it; there is no second process and no further thread.

mod limits;
mod signals;

use std::sync::Once;

use limits::{CpuTimer, MemoryLimit};
use signals::Watched;

/// What to do about a file that cannot be read to its end; follows a reason and a full stop.
pub(crate) const ADVICE: &str = "The file may be damaged, cut short, or being written: copy or download it again, \
     or, where Python can read it, rewrite it with adata.write_h5ad(\"new.h5ad\")";

/// Runs `call`, which uses the HDF5 library to read `subject`: a file, and the element in it. `bytes` is the memory
/// that the call may take beside what the library needs for itself.
pub(crate) fn guarded<T>(subject: String, bytes: u64, call: impl FnOnce() -> T) -> T {
    static HANDLERS: Once = Once::new();
    HANDLERS.call_once(signals::install);
    // The memory limit is the process's, and set and restored by one thread at a time.
    hdf5::sync::sync(|| {
        let _watched = Watched::new(subject);
        let _memory = MemoryLimit::above_now(bytes);
        let _timer = CpuTimer::start(bytes);
        call()
    })
}

#[cfg(test)]
mod tests {
    use std::{
        alloc::{GlobalAlloc, Layout},
        env, fs,
        hint::black_box,
        process::{self, Command},
    };

    use nix::sys::{
        resource::{Resource, setrlimit},
        signal::{Signal, raise},
    };

    use super::*;
    use crate::out_of_memory::{EXIT_CODE, Remembering};

    #[test]
    fn a_call_gives_its_answer_and_may_be_nested() {
        let answer = guarded("outer".to_owned(), 0, || {
            guarded("inner".to_owned(), 1 << 20, || 20) + 1
        });
        assert_eq!(answer, 21);
    }

    #[test]
    fn memory_beyond_what_was_asked_for_is_refused_and_comes_back() {
        let takes = |bytes: usize| Vec::<u8>::new().try_reserve_exact(bytes).is_ok();
        assert!(!guarded("x".to_owned(), 0, || takes(3 << 30)));
        assert!(guarded("x".to_owned(), 4 << 30, || takes(3 << 30)));
        assert!(takes(3 << 30));
    }

    #[test]
    fn other_threads_have_the_reserve_meanwhile() {
        let takes = |bytes: usize| Vec::<u8>::new().try_reserve_exact(bytes).is_ok();
        let took = guarded("x".to_owned(), 0, || {
            let other = std::thread::spawn(move || takes(128 << 20) && !takes(3 << 30));
            other.join().expect("a thread")
        });
        assert!(took);
    }

    /// Runs a test that ends its process, in a process of its own: exit code, and the last line on stderr.
    fn last_words(test: &str) -> (Option<i32>, String) {
        let mut again = Command::new(env::current_exe().expect("this test"));
        let test = format!("guard::tests::{test}");
        let ended = again.args(["--exact", &test, "--ignored", "--nocapture"]);
        let ended = ended.output().expect("an end");
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        let last = stderr.lines().last().unwrap_or_default().to_owned();
        (ended.status.code(), last)
    }

    fn crashed() -> (Option<i32>, String) {
        let line = "error: x.h5ad: X cannot be read: the HDF5 library crashed. ";
        (Some(1), format!("{line}{ADVICE}"))
    }

    #[test]
    #[ignore = "ends its process: started by the test below"]
    fn crash() {
        guarded("x.h5ad: X".to_owned(), 0, || raise(Signal::SIGSEGV)).expect("a signal");
    }

    #[test]
    fn a_crash_is_a_message() {
        assert_eq!(last_words("crash"), crashed());
    }

    #[test]
    #[ignore = "ends its process: started by the test below"]
    fn abort() {
        guarded("x.h5ad: X".to_owned(), 0, || process::abort());
    }

    #[test]
    fn a_heap_that_the_c_library_gives_up_is_a_message() {
        assert_eq!(last_words("abort"), crashed());
    }

    /// What the standard library does where a collection cannot grow to so many bytes.
    fn allocate_or_abort(bytes: usize) {
        let layout = Layout::from_size_align(bytes, 8).expect("a layout");
        // SAFETY: the layout is not empty; a process that gets the memory ends without giving it back.
        if black_box(unsafe { Remembering.alloc(black_box(layout)) }).is_null() {
            process::abort();
        }
    }

    #[test]
    #[ignore = "ends its process: started by the test below"]
    fn ask_for_too_much() {
        guarded("x.h5ad: X".to_owned(), 0, || allocate_or_abort(3 << 30));
    }

    #[test]
    fn what_asks_for_more_than_the_limit_is_damaged() {
        assert_eq!(last_words("ask_for_too_much"), crashed());
    }

    #[test]
    #[ignore = "ends its process: started by the test below"]
    fn find_no_memory() {
        let sizes = fs::read_to_string("/proc/self/statm").expect("sizes in pages");
        let pages = sizes.split(' ').next().expect("all pages");
        let all = (pages.parse::<u64>().expect("a number") << 12) + (1 << 30);
        setrlimit(Resource::RLIMIT_AS, all, all).expect("a lower limit");
        guarded("x.h5ad: X".to_owned(), 4 << 30, || {
            allocate_or_abort(2 << 30);
        });
    }

    #[test]
    fn memory_that_there_is_not_is_no_damage() {
        let (code, last) = last_words("find_no_memory");
        assert_eq!(code, Some(i32::from(EXIT_CODE)));
        assert!(last.starts_with("error: the run finds no memory"), "{last}");
    }

    fn dive(depth: u64) -> u64 {
        if depth == 0 {
            return 0;
        }
        1 + black_box(dive(black_box(depth - 1)))
    }

    #[test]
    #[ignore = "ends its process: started by the test below"]
    fn overflow() {
        let depth = guarded("x.h5ad: X".to_owned(), 0, || dive(1 << 40));
        assert!(depth > 0);
    }

    #[test]
    fn a_stack_that_is_used_up_is_a_message() {
        assert_eq!(last_words("overflow"), crashed());
    }

    #[test]
    #[ignore = "ends its process: started by the test below"]
    fn abort_elsewhere() {
        guarded("x.h5ad: X".to_owned(), 0, || ());
        process::abort();
    }

    #[test]
    fn a_crash_elsewhere_stays_one() {
        let (code, last) = last_words("abort_elsewhere");
        assert_eq!(code, None);
        assert!(!last.contains("HDF5"), "{last}");
    }
}
