//! The start of a table: its encoding, and the lines of comments before its header.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;

use super::{lines::UnixLines, table_header::separator};

/// What begins a comment.
const COMMENT: u8 = b'#';

/// A table's text from its header on, as UTF-8.
pub(super) struct Text<'a> {
    /// The header and what follows.
    pub(super) reader: Box<dyn Read + 'a>,
    /// What separates fields.
    pub(super) separator: u8,
    /// Lines before the header.
    pub(super) n_skipped: u64,
}

/// Finds the header. UTF-16 is told by its first bytes, the byte order mark, which is not part of the text; lines that
/// start with `#` are passed over, unless the last of them has as many fields as the line after it: then it is the header.
pub(super) fn open(reader: &mut dyn Read) -> io::Result<Text<'_>> {
    let decoded = DecodeReaderBytesBuilder::new()
        .utf8_passthru(true)
        .strip_bom(true)
        .build(reader);
    let mut text = BufReader::new(UnixLines::new(decoded));
    let mut comment = Vec::new();
    let mut n_skipped = 0;
    let mut header = line(&mut text)?;
    while header.first() == Some(&COMMENT) {
        comment = header;
        n_skipped += 1;
        header = line(&mut text)?;
    }
    let next = line(&mut text)?;
    let mut start = Vec::new();
    if is_header(&comment, &header) {
        start.extend_from_slice(&comment[1..]);
        n_skipped -= 1;
    }
    start.extend_from_slice(&header);
    let first = start.split(|&byte| byte == b'\n').next();
    let second = start.split(|&byte| byte == b'\n').nth(1);
    let second = second.filter(|line| !line.is_empty()).unwrap_or(&next);
    let separator = separator(first.unwrap_or_default(), second);
    start.extend_from_slice(&next);
    Ok(Text {
        reader: Box::new(Cursor::new(start).chain(text)),
        separator,
        n_skipped,
    })
}

fn line(text: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    text.read_until(b'\n', &mut line)?;
    Ok(line)
}

/// Whether a line that starts as a comment names the columns of the line after it.
fn is_header(comment: &[u8], next: &[u8]) -> bool {
    if comment.is_empty() || next.is_empty() {
        return false;
    }
    let separator = separator(next, next);
    let n_fields = |line: &[u8]| line.split(|&byte| byte == separator).count();
    let is_number = |field: &[u8]| super::table_header::is_number(field);
    let fields: Vec<&[u8]> = next.split(|&byte| byte == separator).skip(1).collect();
    let has_counts = !fields.is_empty() && fields.iter().all(|field| is_number(field));
    has_counts && n_fields(comment) == n_fields(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(bytes: &[u8]) -> (String, u8, u64) {
        let mut bytes = bytes;
        let mut text = open(&mut bytes).expect("text");
        let mut read = String::new();
        text.reader.read_to_string(&mut read).expect("text");
        (read, text.separator, text.n_skipped)
    }

    #[test]
    fn comments_before_the_header_are_passed_over() {
        let text = b"## Date: 2020, January\n##\ncell,Gad1,Mbp\nc0,1,2\n";
        let table = "cell,Gad1,Mbp\nc0,1,2\n".to_owned();
        assert_eq!(opened(text), (table, b',', 2));
        let text = b"# Program: x; y\ngene\tc0\nGad1\t1\n";
        assert_eq!(opened(text), ("gene\tc0\nGad1\t1\n".to_owned(), b'\t', 1));
    }

    #[test]
    fn a_header_may_start_as_a_comment_does() {
        let text = b"# a, b\n#gene\tc0\tc1\nGad1\t1\t2\nMbp\t0\t1\n";
        let table = "gene\tc0\tc1\nGad1\t1\t2\nMbp\t0\t1\n".to_owned();
        assert_eq!(opened(text), (table, b'\t', 1));
    }

    #[test]
    fn utf16_and_byte_order_marks_are_read() {
        let table = ",β\r\nc0,1\r\n";
        let mut little = vec![0xff, 0xfe];
        little.extend(table.encode_utf16().flat_map(u16::to_le_bytes));
        let mut big = vec![0xfe, 0xff];
        big.extend(table.encode_utf16().flat_map(u16::to_be_bytes));
        let marked = format!("\u{feff}{table}");
        for bytes in [&little, &big, marked.as_bytes()] {
            assert_eq!(opened(bytes), (table.replace("\r\n", "\n"), b',', 0));
        }
    }

    #[test]
    fn nothing_is_an_empty_table() {
        assert_eq!(opened(b"").0, "");
        assert_eq!(opened(b"# a\n").0, "");
    }
}
