//! The command line of `annotate`: which model, and which new cells.

use std::collections::HashSet;

use super::{
    Refusal, args::AnnotateArgs, batch_run::typed_inputs, named_inputs::expanded, refused,
};
use crate::config::{AnnotateConfig, AnnotateOutputs, LabelBy};

/// Checks the options.
pub(super) fn config(args: AnnotateArgs) -> Result<AnnotateConfig, Refusal> {
    let Some(model) = args.model else {
        let why = "-model is missing: the file that a run wrote with -save_model_para True";
        return Err(Refusal::usage(why.to_owned()));
    };
    let typed = model.display().to_string();
    let model = expanded(&typed).map_err(refused("-model", &typed))?;
    let data_sets = args.names.into_iter().chain(args.name);
    let data_sets = data_sets
        .map(|typed| typed_inputs(typed, &args.data_dir))
        .map(|typed| typed.map(|typed| typed.found))
        .collect::<Result<Vec<_>, Refusal>>()?;
    if data_sets.is_empty() {
        let why = "which cells? give the names or paths of data sets";
        return Err(Refusal::usage(why.to_owned()));
    }
    let mut names = HashSet::new();
    if let Some(twice) = data_sets.iter().find(|set| !names.insert(&set.name)) {
        let name = &twice.name;
        let why = format!("two inputs are called {name}: NAME=PATH gives one another name");
        return Err(Refusal::usage(why));
    }
    if let (Some(table), LabelBy::CellType) = (&args.cluster_names, args.label_by) {
        let why = "names clusters, and -label_by celltype labels by cell type; leave one out";
        return Err(refused("-names", &table.display().to_string())(
            why.to_owned(),
        ));
    }
    let outputs = args.outputs;
    Ok(AnnotateConfig {
        model,
        data_sets,
        read: args.read.into(),
        celltype: args.celltype,
        batch_key: args.batch_key.map(|key| key.0).unwrap_or_default(),
        quality: args.cells.and_genes_in(0),
        label_by: args.label_by,
        names: args.cluster_names,
        output_dir: outputs.output_dir,
        save: AnnotateOutputs {
            pred_label: outputs.save_pred_label.0,
            embedding: outputs.save_embedding.0,
            table_format: outputs.table_format,
            umap: outputs.save_umap.0,
            figure_format: outputs.figure_format,
            report: outputs.save_report.0,
            h5ad: outputs.save_h5ad.0,
        },
        overwrite: outputs.overwrite.0,
        threads: outputs.threads.map(|threads| threads as usize),
        quiet: outputs.quiet.quiet.0,
    })
}
