//! Names and sentences of any length, made fit for a page.

/// Longest name and longest sentence, in characters.
const LONGEST_NAME: usize = 80;
const LONGEST_SENTENCE: usize = 600;
const MOST_SENTENCES: usize = 50;

/// A name of at most 80 characters.
pub(super) fn name(text: &str) -> String {
    clipped(text, LONGEST_NAME)
}

/// The first fifty sentences, each of at most 600 characters.
pub(super) fn clipped_all(sentences: &[String]) -> Vec<String> {
    let shown = sentences.iter().take(MOST_SENTENCES);
    shown.map(|text| clipped(text, LONGEST_SENTENCE)).collect()
}

/// The text, or its start and end with an ellipsis between, so that it has at most `most` characters.
pub(super) fn clipped(text: &str, most: usize) -> String {
    let n = text.chars().count();
    if n <= most {
        return text.to_owned();
    }
    let (head, tail) = (most / 2, (most - 1) / 2);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(n - tail).collect();
    format!("{start}…{end}")
}

/// A number to three digits after the point, as the page's data hold it.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// `3,005`
pub(crate) fn whole(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12 %`, `0.4 %`, `< 0.1 %`, with spaces at which no line breaks.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        _ if percent.is_nan() => "–".to_owned(),
        0.1..1.0 => format!("{percent:.1}\u{a0}%"),
        _ if percent > 0.0 && percent < 0.1 => "<\u{a0}0.1\u{a0}%".to_owned(),
        _ => format!("{percent:.0}\u{a0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(clipped("abcdefgh", 5), "ab…gh");
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(name(&"x".repeat(1000)).chars().count(), 80);
    }

    #[test]
    fn numbers_as_they_are_read() {
        assert_eq!(
            [5, 999, 1000, 3005, 1_000_000].map(whole),
            ["5", "999", "1,000", "3,005", "1,000,000"]
        );
        assert_eq!(
            [0.0, 0.0002, 0.004, 0.5, 1.0].map(percent),
            [
                "0\u{a0}%",
                "<\u{a0}0.1\u{a0}%",
                "0.4\u{a0}%",
                "50\u{a0}%",
                "100\u{a0}%"
            ]
        );
    }
}
