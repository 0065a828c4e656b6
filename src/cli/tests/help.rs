//! The help text.

use super::*;

fn help(asked_for: &str) -> String {
    asked(asked_for).expect_err("help").to_string()
}

#[test]
fn all_help_tells_every_option_with_its_default() {
    let help = help("-name x --help-all");
    let command = plain_command();
    let options = command.get_arguments().filter_map(clap::Arg::get_long);
    for option in options.filter(|option| *option != "help_all") {
        assert!(help.contains(&format!("-{option}")), "{option}");
    }
    for default in [
        "[default: 2500]",
        "[default: Data/AnnData]",
        "[default: every core]",
    ] {
        assert!(help.contains(default), "{default}");
    }
    let headings = [
        "Input:",
        "Clustering:",
        "Graph:",
        "Training:",
        "Outputs:",
        "Run:",
    ];
    let places: Vec<_> = headings.iter().map(|heading| help.find(heading)).collect();
    assert!(places.is_sorted() && !places.contains(&None), "{places:?}");
}

#[test]
fn the_first_help_tells_what_most_runs_need_and_where_the_rest_is() {
    for asked_for in ["-help", "batch --help"] {
        let first = help(asked_for);
        for option in ["-resolution", "-batch_key", "-save_report", "--help-all"] {
            assert!(first.contains(option), "{asked_for}: {option}");
        }
        for other in ["-graph_target", "-zinb_genes", "Training:"] {
            assert!(!first.contains(other), "{asked_for}: {other}");
        }
        assert!(first.lines().count() <= 68, "{first}");
    }
    assert!(help("batch --help_all").contains("-zinb_genes"));
}
