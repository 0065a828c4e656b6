//! Text whose lines are bounded.

use std::io::{self, Read};

/// How a file in the Matrix Market format starts.
pub(super) const MTX_BANNER: &[u8] = b"%%MatrixMarket";

/// The longest line, in bytes: a row of ten million cells fits.
const LONGEST: usize = 256 << 20;

/// A reader that fails in a line which does not end: a compressed file of a few kilobytes may unpack
/// to a line that fills all memory.
pub(super) struct LimitedLines<R> {
    inner: R,
    in_line: usize,
    longest: usize,
}

impl<R> LimitedLines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            in_line: 0,
            longest: LONGEST,
        }
    }
}

impl<R: Read> Read for LimitedLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.inner.read(buffer)?;
        let read = &buffer[..n_read];
        self.in_line = match read.iter().rposition(|&byte| byte == b'\n') {
            Some(last) => n_read - last - 1,
            None => self.in_line + n_read,
        };
        if self.in_line > self.longest {
            let reason = format!("a line is longer than {} bytes", self.longest);
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(n_read)
    }
}

/// Text whose lines end with a line feed, whatever they end with in `inner`: `\r\n` on Windows, `\r` on old Macs.
pub(super) struct UnixLines<R> {
    inner: R,
    was_return: bool,
}

impl<R> UnixLines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            was_return: false,
        }
    }
}

impl<R: Read> Read for UnixLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n_read = self.inner.read(buffer)?;
            let mut n_kept = 0;
            for position in 0..n_read {
                let byte = buffer[position];
                let is_second = byte == b'\n' && self.was_return;
                self.was_return = byte == b'\r';
                if !is_second {
                    buffer[n_kept] = if self.was_return { b'\n' } else { byte };
                    n_kept += 1;
                }
            }
            // A line feed alone, the second half of an end that was read before, is not the end of the text.
            if n_kept > 0 || n_read == 0 {
                return Ok(n_kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<String> {
        let inner = LimitedLines {
            inner: text.as_bytes(),
            in_line: 0,
            longest: 4,
        };
        io::read_to_string(io::BufReader::with_capacity(3, inner))
    }

    #[test]
    fn only_a_line_that_is_too_long_fails() {
        assert_eq!(read("abcd\nefgh\n\nij").expect("text"), "abcd\nefgh\n\nij");
        let error = read("ab\nabcdefgh").expect_err("too long");
        assert_eq!(error.to_string(), "a line is longer than 4 bytes");
    }

    #[test]
    fn every_end_of_a_line_becomes_a_line_feed() {
        for (size, text) in [
            (1, "a\r\nb\r\n"),
            (2, "a\r\nb\r\n"),
            (3, "a\rb\r"),
            (9, "a\nb\n"),
        ] {
            let lines = UnixLines::new(text.as_bytes());
            let mut lines = io::BufReader::with_capacity(size, lines);
            let mut read = String::new();
            lines.read_to_string(&mut read).expect("text");
            assert_eq!(read, "a\nb\n", "{text:?}");
        }
    }
}
