//! The memory and processor time that a call may take.

use std::{
    ptr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use nix::{
    libc,
    sys::{
        resource::{Resource, getrlimit, rlim_t, setrlimit},
        signal::{SigEvent, SigevNotify, Signal},
        timer::{Expiration, Timer, TimerSetTimeFlags},
    },
    time::ClockId,
    unistd::gettid,
};

use crate::memory::data_bytes;

/// Memory for the library's own caches and buffers, and for what else the process does meanwhile.
const SPARE_BYTES: u64 = 512 << 20;
/// Processor time for a call that reads next to nothing; a sound file takes milliseconds.
const LEAST_SECONDS: u64 = 10;
/// The slowest reading that is still waited for: a twentieth of what unpacking short texts one by one takes.
const LEAST_BYTES_PER_SECOND: u64 = 1 << 20;

/// The least that the C library asks the system for.
const LEAST_ASKED: usize = 1 << 20;

/// The process's own limit, which the limits of calls are below: the highest that was seen.
static OWN: AtomicU64 = AtomicU64::new(0);

/// Bounds the writable memory of the process until dropped.
///
/// The system knows no such limit for one thread. It holds for the others too, for the milliseconds of a call; they have
/// the reserve of 512 MiB meanwhile. What may run beside a call are the threads of the progress bar and of signals, which take
/// kilobytes, and the preparation of the counts that were read before (`src/preprocess/read_ahead.rs`), which takes megabytes.
pub(super) struct MemoryLimit {
    /// Soft and hard limit as they were; `None` where the system keeps none.
    before: Option<(rlim_t, rlim_t)>,
}

impl MemoryLimit {
    /// Lets memory grow by `bytes`, and a reserve.
    pub(super) fn above_now(bytes: u64) -> Self {
        let lowered = data_bytes().and_then(|now| {
            let (soft, hard) = getrlimit(Resource::RLIMIT_DATA).ok()?;
            OWN.fetch_max(soft, Ordering::Relaxed);
            let limit = soft.min(now.saturating_add(SPARE_BYTES).saturating_add(bytes));
            setrlimit(Resource::RLIMIT_DATA, limit, hard).ok()?;
            Some((soft, hard))
        });
        Self { before: lowered }
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.before {
            // Up to the hard limit, which was not touched, raising is always allowed.
            let _ = setrlimit(Resource::RLIMIT_DATA, soft, hard);
        }
    }
}

/// Whether so many bytes are refused also where no call is limited: then there is no memory, and what a call reads may be sound.
///
/// For the handler of a signal in a process that is about to end: makes system calls only, and lifts the limit.
pub(super) fn are_lacking(bytes: usize) -> bool {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_DATA) else {
        return true;
    };
    let own = OWN.load(Ordering::Relaxed);
    if soft >= own {
        return true;
    }
    if bytes as u64 > soft || setrlimit(Resource::RLIMIT_DATA, own, hard).is_err() {
        return false;
    }
    let asked = bytes.max(LEAST_ASKED);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: the system chooses a place that nobody uses.
    let place = unsafe { libc::mmap(ptr::null_mut(), asked, access, kind, -1, 0) };
    place == libc::MAP_FAILED
}

/// Sends SIGXCPU to this thread once it has taken too much processor time, unless dropped before.
pub(super) struct CpuTimer {
    /// `None` where the system gives no timer.
    _timer: Option<Timer>,
}

impl CpuTimer {
    /// Starts the clock of a call that reads `bytes`.
    pub(super) fn start(bytes: u64) -> Self {
        let notify = SigevNotify::SigevThreadId {
            signal: Signal::SIGXCPU,
            thread_id: gettid().as_raw(),
            si_value: 0,
        };
        let seconds = LEAST_SECONDS + bytes / LEAST_BYTES_PER_SECOND;
        let timer = Timer::new(ClockId::CLOCK_THREAD_CPUTIME_ID, SigEvent::new(notify));
        let started = timer.and_then(|mut timer| {
            let once = Expiration::OneShot(Duration::from_secs(seconds).into());
            timer.set(once, TimerSetTimeFlags::empty())?;
            Ok(timer)
        });
        Self {
            _timer: started.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_before_comes_back() {
        let soft = || getrlimit(Resource::RLIMIT_DATA).expect("a limit").0;
        // Other tests set the same limit, one at a time.
        hdf5::sync::sync(|| {
            let before = soft();
            let limit = MemoryLimit::above_now(1 << 30);
            assert!(soft() < before);
            let within = MemoryLimit::above_now(0);
            assert!(soft() < before);
            drop((within, limit));
            assert_eq!(soft(), before);
        });
    }
}
