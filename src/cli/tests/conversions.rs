//! `preprocess`.

use super::*;
use crate::config::RawFiles;

#[test]
fn h5_data_sets_are_converted_one_by_one() {
    let Ok(Request::Convert { conversions, quiet }) =
        asked("preprocess h5 -quiet Baron raw/bladder.h5.zip --data-dir out -raw_dir nowhere")
    else {
        panic!("a conversion");
    };
    let conversion = |name: &str, input: &str, output: &str| ConvertConfig {
        overwrite: false,
        name: name.to_owned(),
        input: RawFiles::H5 {
            typed: input.to_owned(),
            raw_dir: "nowhere".into(),
        },
        read: ReadOptions::default(),
        output: output.into(),
    };
    let expected = [
        conversion("Baron", "Baron", "out/Baron.h5ad"),
        conversion("bladder", "raw/bladder.h5.zip", "out/bladder.h5ad"),
    ];
    assert_eq!(conversions, expected);
    assert!(quiet);
}

#[test]
fn any_input_is_converted_under_its_own_name_or_a_given_one() {
    let Ok(Request::Convert { conversions, .. }) =
        asked("preprocess -layer counts raw/atlas.h5ad outs/matrix -gex_only False")
    else {
        panic!("conversions");
    };
    let read = ReadOptions {
        counts_in: CountsIn::Layer("counts".to_owned()),
        gex_only: false,
        ..ReadOptions::default()
    };
    let expected = [("atlas", "raw/atlas.h5ad"), ("matrix", "outs/matrix")];
    let expected = expected.map(|(name, input)| ConvertConfig {
        overwrite: false,
        name: name.to_owned(),
        input: RawFiles::Any(input.into()),
        read: read.clone(),
        output: format!("Data/AnnData/{name}.h5ad").into(),
    });
    assert_eq!(conversions, expected);
    let Ok(Request::Convert { conversions, .. }) =
        asked("preprocess a.tsv.gz -transpose -name=b -data_dir out")
    else {
        panic!("a conversion");
    };
    assert_eq!(conversions[0].read.orientation, Orientation::GenesInRows);
    assert_eq!(conversions[0].output, Path::new("out/b.h5ad"));
}

#[test]
fn what_is_read_of_an_input_is_chosen() {
    let Ok(Request::Run(config)) = asked("-name x -use_raw True -genome GRCh38") else {
        panic!("a run");
    };
    assert_eq!(config.read.counts_in, CountsIn::Raw);
    assert_eq!(config.read.genome.as_deref(), Some("GRCh38"));
    let both = refusal("-name x -layer counts -use_raw True");
    assert!(
        both.contains("-layer") && both.contains("-use_raw"),
        "{both}"
    );
}

#[test]
fn csv_tables_become_one_data_set() {
    let Ok(Request::Convert { conversions, quiet }) =
        asked("preprocess csv a.csv b.zip --name=both")
    else {
        panic!("a conversion");
    };
    let expected = ConvertConfig {
        overwrite: false,
        name: "both".to_owned(),
        input: RawFiles::Csv(vec!["a.csv".into(), "b.zip".into()]),
        read: ReadOptions::default(),
        output: "Data/AnnData/both.h5ad".into(),
    };
    assert_eq!(conversions, [expected]);
    assert!(!quiet);
}

#[test]
fn conversions_say_what_they_lack() {
    assert!(refusal("preprocess csv a.csv").starts_with("-name is missing"));
    assert!(refusal("preprocess csv a.csv -name=a/b").contains("not a path; try b"));
    assert!(refusal("preprocess csv -name x").contains("<FILE>..."));
    assert!(refusal("preprocess h5").contains("<NAME>..."));
    assert!(refusal("preprocess").contains("FILE"));
    assert!(refusal("preprocess a.csv b.csv -name x").contains("'preprocess join' joins them"));
    for line in ["preprocess a/m.csv b/m.h5", "preprocess h5 x raw/x.zip"] {
        assert!(
            refusal(line).starts_with("two inputs would become "),
            "{line}"
        );
    }
    assert!(refusal("preprocess h5 x -nmae y").contains("unexpected argument '-nmae'"));
    assert!(refusal("-lr 1 preprocess h5 x").starts_with("'-lr' stands before 'preprocess'"));
}

#[test]
fn inputs_are_joined_under_all_their_names() {
    let line = "preprocess join d/a.h5ad e/b.mtx -genes union -overwrite";
    let Ok(Request::Convert { conversions, .. }) = asked(line) else {
        panic!("a conversion");
    };
    let [conversion] = &conversions[..] else {
        panic!("one conversion: {conversions:?}");
    };
    assert_eq!(conversion.output, Path::new("Data/AnnData/a+b.h5ad"));
    assert_eq!(conversion.read.genes, GeneJoin::Union);
    assert!(conversion.overwrite);
    let file = |name: &str, path: &str| InputFile {
        name: name.to_owned(),
        path: path.into(),
    };
    let inputs = Inputs::new(vec![file("a", "d/a.h5ad"), file("b", "e/b.mtx")]);
    assert_eq!(conversion.input, RawFiles::Any(inputs.clone()));
    let joined = run("-name d/a.h5ad,e/b.mtx -output_name both");
    assert_eq!((joined.name.as_str(), &joined.inputs), ("both", &inputs));
    assert_eq!(inputs.to_string(), "d/a.h5ad,e/b.mtx");
    assert!(refusal("preprocess join a.csv").contains("FILE"));
    assert!(refusal("preprocess join a.csv a.csv").contains("a.csv twice"));
}
