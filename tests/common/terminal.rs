//! A terminal that a program shows something on.

use std::{
    ffi::CStr,
    fs::File,
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
};

use nix::libc;

use super::skip::skip;

/// What is shown, to be read, and the screen, which is a program's to write to; `None`, said aloud, where there are no terminals.
pub fn terminal() -> Option<(File, File)> {
    let mut options = File::options();
    let terminal = options.read(true).write(true).custom_flags(libc::O_NOCTTY);
    let Ok(terminal) = terminal.open("/dev/ptmx") else {
        skip("there are no terminals here");
        return None;
    };
    let mut name = [0_u8; 64];
    // SAFETY: the file is open, and a terminal; the name is written into an array of this length.
    let is_ready = unsafe {
        libc::unlockpt(terminal.as_raw_fd()) == 0
            && libc::ptsname_r(terminal.as_raw_fd(), name.as_mut_ptr().cast(), name.len()) == 0
    };
    assert!(is_ready);
    let name = CStr::from_bytes_until_nul(&name).expect("a name");
    let name = name.to_str().expect("text");
    let screen = options.open(name).expect("the terminal's other side");
    Some((terminal, screen))
}
