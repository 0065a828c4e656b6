//! The program as a process of its own, with a time limit and the memory that it took.

use std::{
    io::Read,
    mem::MaybeUninit,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::libc;

/// How often it is looked at whether the process has ended.
const POLL: Duration = Duration::from_millis(5);

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// Whether it was killed because its time was up.
    pub timed_out: bool,
    pub stdout: String,
    pub stderr: String,
    /// The most memory that it held, in MiB.
    pub peak_mb: u64,
    pub seconds: f64,
}

/// Runs a command that prints little; kills it at the end of `limit`.
#[expect(
    clippy::zombie_processes,
    reason = "`poll` waits, as the standard library does, and learns of the memory"
)]
pub fn run_within(command: &mut Command, limit: Duration) -> Ended {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().expect("a process");
    let mut timed_out = false;
    let (status, peak_mb) = loop {
        if let Some(ended) = poll(&child) {
            break ended;
        }
        if !timed_out && started.elapsed() > limit {
            timed_out = true;
            child.kill().expect("a process to kill");
        }
        thread::sleep(POLL);
    };
    Ended {
        status,
        timed_out,
        seconds: started.elapsed().as_secs_f64(),
        stdout: text(child.stdout.take()),
        stderr: text(child.stderr.take()),
        peak_mb,
    }
}

fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    let mut stream = stream.expect("a pipe");
    stream.read_to_end(&mut bytes).expect("what was printed");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How the process ended and its peak memory in MiB; `None` while it runs.
fn poll(child: &Child) -> Option<(ExitStatus, u64)> {
    let id = child.id() as libc::pid_t;
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both places may be written to, and a `rusage` of zeros is one. The process is a child that nobody has
    // waited for, so its number is still its own.
    let usage = unsafe {
        let ended = libc::wait4(id, &raw mut status, libc::WNOHANG, usage.as_mut_ptr());
        (ended == id).then(|| usage.assume_init())
    };
    usage.map(|usage| (ExitStatus::from_raw(status), usage.ru_maxrss as u64 / 1024))
}
