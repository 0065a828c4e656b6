//! What the pages in `docs` say of the program, compared with the program.
//!
//! `UPDATE_DOCS=1 cargo test --release --locked --test docs` writes the generated part of `docs/options.md` anew.

use std::{fmt::Write as _, fs, path::PathBuf, process::Command};

/// What stands before and after the generated part of a page.
const BEGIN: &str = "<!-- generated from --help-all: begin -->\n";
const END: &str = "<!-- generated from --help-all: end -->\n";

/// The column in which `--help-all` describes an option.
const DESCRIPTION: usize = 32;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What `--help-all` prints, in lines as wide as a terminal of 80 columns.
fn help() -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    let printed = program.arg("--help-all").output().expect("the program");
    String::from_utf8(printed.stdout).expect("text")
}

/// An option: what is typed, what it does, and its default.
struct OptionRow {
    typed: String,
    does: String,
    default: String,
}

/// The headings of `--help-all` with their options.
fn sections(help: &str) -> Vec<(String, Vec<OptionRow>)> {
    let mut sections: Vec<(String, Vec<OptionRow>)> = Vec::new();
    for line in help.lines() {
        if let Some(heading) = line.strip_suffix(':')
            && !heading.starts_with(' ')
        {
            sections.push((heading.to_owned(), Vec::new()));
        } else if let (Some((_, rows)), true) = (sections.last_mut(), line.starts_with("  ")) {
            let indented = line.starts_with(&" ".repeat(DESCRIPTION));
            if let (true, Some(row)) = (indented, rows.last_mut()) {
                row.does.push(' ');
                row.does.push_str(line.trim());
            } else if line.starts_with("  -") {
                let (typed, does) = line.split_at(line.len().min(DESCRIPTION));
                rows.push(OptionRow {
                    typed: typed.trim().to_owned(),
                    does: does.trim().to_owned(),
                    default: String::new(),
                });
            }
        }
    }
    for row in sections.iter_mut().flat_map(|(_, rows)| rows) {
        if let Some((does, default)) = row.does.rsplit_once(" [default: ") {
            row.default = default.trim_end_matches(']').to_owned();
            row.does = does.to_owned();
        }
    }
    sections.retain(|(_, rows)| !rows.is_empty());
    sections
}

/// The options as tables in Markdown.
fn tables(help: &str) -> String {
    let mut text = String::new();
    for (heading, rows) in sections(help) {
        let _ = write!(
            text,
            "\n### {heading}\n\n| option | default | what it does |\n| --- | --- | --- |\n"
        );
        for row in rows {
            let default = row.default.replace('|', "\\|");
            let does = row.does.replace('|', "\\|");
            let _ = writeln!(text, "| `{}` | {default} | {does} |", row.typed);
        }
    }
    text.push('\n');
    text
}

#[test]
fn the_table_of_options_is_that_of_the_program() {
    let page = root().join("docs/options.md");
    let text = fs::read_to_string(&page).expect("text");
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (present, after) = rest.split_once(END).expect("where the table ends");
    let wanted = tables(&help());
    assert!(wanted.lines().count() > 60, "{wanted}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = [before, BEGIN, &wanted, END, after].concat();
        fs::write(&page, text).expect("written");
        return;
    }
    assert!(
        present == wanted,
        "docs/options.md differs from --help-all: UPDATE_DOCS=1 cargo test --release --locked --test docs\n{wanted}"
    );
}

/// The pages of the documentation.
fn pages() -> Vec<PathBuf> {
    let named = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|name| root().join(name));
    let folders = [
        "docs",
        "docs/method",
        "tests/formats",
        "benches",
        "Data",
        "workflow",
    ]
    .map(|name| root().join(name));
    let in_folders = folders.iter().flat_map(|folder| {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path())
    });
    let is_page = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "md");
    named
        .into_iter()
        .chain(in_folders)
        .filter(is_page)
        .collect()
}

/// The name that a heading is linked by, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut n_links = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("text");
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.starts_with("http") {
                continue;
            }
            n_links += 1;
            let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => page.clone(),
                path => page.parent().expect("a folder").join(path),
            };
            assert!(target.exists(), "{}: {link}", page.display());
            if !wanted.is_empty() {
                let there = fs::read_to_string(&target).expect("text");
                let mut headings = there.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|heading| anchor(heading) == wanted),
                    "{}: {link}",
                    page.display()
                );
            }
        }
    }
    assert!(n_links > 50, "{n_links}");
}

#[test]
fn the_readme_fits_two_screens() {
    let text = fs::read_to_string(root().join("README.md")).expect("text");
    assert!(text.lines().count() <= 150);
}
