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

/// Finds the header. UTF-16 is told by its first bytes, the byte order mark, which is not part of the text; empty lines are
/// passed over, and lines that start with `#`, unless the last of them names the columns of the line after it: then it is the
/// header.
pub(super) fn open(reader: &mut dyn Read) -> io::Result<Text<'_>> {
    let decoded = DecodeReaderBytesBuilder::new()
        .utf8_passthru(true)
        .strip_bom(true)
        .build(reader);
    let mut text = BufReader::new(UnixLines::new(decoded));
    let mut comment = Vec::new();
    let mut n_skipped = 0;
    let mut header = line(&mut text)?;
    while header.first() == Some(&COMMENT) || is_blank(&header) {
        if !is_blank(&header) {
            comment = header;
        }
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

/// Whether a line is there, with nothing in it.
fn is_blank(line: &[u8]) -> bool {
    !line.is_empty() && line.trim_ascii().is_empty()
}

/// Whether a line that starts as a comment names the columns of the line after it: there are as many, and at least half of
/// them are numbers, but for the first, so that this line is no header itself.
fn is_header(comment: &[u8], next: &[u8]) -> bool {
    if comment.is_empty() || next.is_empty() {
        return false;
    }
    let separator = separator(next, next);
    let n_fields = |line: &[u8]| line.split(|&byte| byte == separator).count();
    let is_number = |field: &[u8]| super::table_header::is_number(field);
    let fields: Vec<&[u8]> = next.split(|&byte| byte == separator).skip(1).collect();
    let n_numbers = fields.iter().filter(|field| is_number(field)).count();
    n_numbers > 0 && 2 * n_numbers >= fields.len() && n_fields(comment) == n_fields(next)
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
        let text = b"# raw, all\ncell,Gad1\nc0,1\n";
        assert_eq!(opened(text), ("cell,Gad1\nc0,1\n".to_owned(), b',', 1));
    }

    #[test]
    fn empty_lines_before_the_header_are_passed_over() {
        for start in ["\n", "\r\n", " \n# a\n", "# a\n\n\n"] {
            let table = "gene\tc0\nGad1\t1\n";
            let n_lines = start.lines().count() as u64;
            let text = format!("{start}{table}");
            assert_eq!(opened(text.as_bytes()), (table.to_owned(), b'\t', n_lines));
        }
        assert_eq!(opened(b"\n\n").0, "");
    }

    #[test]
    fn a_header_may_start_as_a_comment_does() {
        for table in [
            "gene\tc0\tc1\nGad1\t1\t2\nMbp\t0\t1\n",
            "gene_id\tgene_name\tc0\tc1\nENSG1\tTP53\t5\t0\nENSG2\tMYC\t1\t7\n",
        ] {
            let text = format!("# a, b\n#{table}");
            assert_eq!(opened(text.as_bytes()), (table.to_owned(), b'\t', 1));
        }
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
