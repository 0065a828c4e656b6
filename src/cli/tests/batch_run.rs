//! `batch`.

use super::*;

fn batch(line: &str) -> BatchRunConfig {
    match asked(line) {
        Ok(Request::Batch(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_batch_is_of_named_data_sets_or_of_all() {
    let named = |typed: &str, name: &str, path: &str| TypedInputs {
        typed: typed.to_owned(),
        found: NamedInputs {
            name: name.to_owned(),
            inputs: path.into(),
        },
    };
    let two = batch("batch zeisel sets/x.h5ad -data_dir d");
    let expected = vec![
        named("zeisel", "zeisel", "d/zeisel.h5ad"),
        named("sets/x.h5ad", "x", "sets/x.h5ad"),
    ];
    assert_eq!(two.data_sets, DataSetSelection::Named(expected));
    assert_eq!((two.resume, two.jobs), (false, 1));
    let all = batch("batch --all -resume -jobs 3");
    assert_eq!(all.data_sets, DataSetSelection::All);
    assert_eq!((all.resume, all.jobs), (true, 3));
}

#[test]
fn a_batch_hands_on_what_was_typed_and_checks_it_itself() {
    let line = "-seed 7 -lr=1e-4 -knn -output_dir o -threads 4 -quiet";
    let batch = batch(&format!("batch x -resume {line}"));
    let expected = ["--knn=True", "--lr=1e-4", "--output_dir=o", "--seed=7"];
    assert_eq!(batch.typed, expected);
    let alone = run(&format!("-name x {line}"));
    let expected = RunConfig {
        name: String::new(),
        inputs: Inputs::default(),
        ..alone
    };
    assert_eq!(batch.options, expected);
}

#[test]
fn a_batch_hands_on_every_option_of_a_run() {
    let command = plain_command();
    let runs = command.get_arguments().filter_map(clap::Arg::get_long);
    let runs =
        runs.filter(|long| !["help", "help_all", "version", "name", "output_name"].contains(long));
    let batch = command.find_subcommand("batch").expect("a command");
    let batch: Vec<_> = batch
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .collect();
    for option in runs {
        assert!(batch.contains(&option), "{option}");
    }
}

#[test]
fn a_batch_says_what_it_lacks() {
    assert!(refusal("batch").starts_with("which data sets?"));
    assert!(refusal("batch x --all").starts_with("-all takes every data set"));
    assert!(refusal("batch a/..").contains("'a/..' for 'NAME'"));
    assert!(refusal("batch x -jobs 0").contains("-jobs"));
    assert!(refusal("batch x -lr 0").contains("above 0"));
    assert!(refusal("batch x -landmarks 20 -n_neighbors 20").contains("above -n_neighbors"));
    assert!(refusal("-lr 1 batch x").starts_with("'-lr' stands before 'batch'"));
}

#[test]
fn a_name_that_is_too_long_for_outputs_is_refused() {
    let (longest, longer) = ("n".repeat(200), "n".repeat(201));
    let part = "its name of 201 bytes is too long for that (200 at most); ";
    for (before, advice) in [
        ("-name ", "-output_name NAME gives a shorter one"),
        ("-name x -output_name ", "give a shorter one"),
        ("batch ", "NAME=PATH gives a shorter one"),
        ("annotate -model m ", "NAME=PATH gives a shorter one"),
    ] {
        asked(&format!("{before}{longest}")).expect("short enough");
        let refused = refusal(&format!("{before}{longer}"));
        assert!(refused.ends_with(&format!("{part}{advice}")), "{refused}");
    }
    run(&format!("-name {longer}.h5ad -output_name x"));
    asked(&format!("batch x={longer}.h5ad")).expect("another name");
    asked(&format!("batch {longer}=x.h5ad")).expect_err("the name is longer");
}
