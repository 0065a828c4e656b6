//! The command line of `preprocess`: which inputs become which `.h5ad` files.

use std::collections::HashSet;

use super::{
    Refusal, Request,
    args::{AnyArgs, ConvertedArgs, CsvArgs, H5Args, JoinArgs},
    named_inputs, refused, required,
};
use crate::{
    config::{ConvertConfig, RawFiles},
    read::{InputFile, ReadOptions},
};

/// Any inputs, each a data set of its own.
pub(super) fn from_any(args: AnyArgs) -> Result<Request, Refusal> {
    if let (Some(name), [_, _, ..]) = (&args.name, &args.files[..]) {
        let why = "names one data set, but there are several FILEs; 'preprocess join' joins them";
        return Err(refused("-name", name)(why.to_owned()));
    }
    let read = ReadOptions::from(args.read);
    let mut conversions = Vec::new();
    for file in args.files {
        let typed = file.display().to_string();
        let file = named_inputs::expanded(&typed).map_err(refused("FILE", &typed))?;
        let name = match &args.name {
            Some(name) => named_inputs::file_name(name).map_err(refused("-name", name))?,
            None => named_inputs::name_of(&typed).map_err(refused("FILE", &typed))?,
        };
        let input = RawFiles::Any(file.into());
        conversions.push(conversion(name, input, read.clone(), &args.output));
    }
    different_outputs(&conversions)?;
    Ok(Request::Convert {
        conversions,
        quiet: args.output.quiet.quiet.0,
    })
}

/// Raw files by name, as the published script takes them.
pub(super) fn from_h5(args: H5Args) -> Result<Request, Refusal> {
    let mut conversions = Vec::new();
    for typed in args.names {
        let name = named_inputs::name_of(&typed).map_err(refused("NAME", &typed))?;
        let input = RawFiles::H5 {
            typed,
            raw_dir: args.raw_dir.clone(),
        };
        let read = ReadOptions::default();
        conversions.push(conversion(name, input, read, &args.output));
    }
    different_outputs(&conversions)?;
    Ok(Request::Convert {
        conversions,
        quiet: args.output.quiet.quiet.0,
    })
}

/// Tables of one data set.
pub(super) fn from_csv(args: CsvArgs) -> Result<Request, Refusal> {
    let typed = required("-name", args.name)?;
    let name = named_inputs::file_name(&typed).map_err(refused("-name", &typed))?;
    let files = args.files.iter().map(|file| {
        let typed = file.display().to_string();
        named_inputs::expanded(&typed).map_err(refused("FILE", &typed))
    });
    let input = RawFiles::Csv(files.collect::<Result<_, _>>()?);
    let read = ReadOptions::from(args.table);
    Ok(Request::Convert {
        conversions: vec![conversion(name, input, read, &args.output)],
        quiet: args.output.quiet.quiet.0,
    })
}

/// Several inputs joined to one.
pub(super) fn from_join(args: JoinArgs) -> Result<Request, Refusal> {
    let files = args.files.iter().map(|file| {
        let typed = file.display().to_string();
        let named = |typed: &str| {
            Ok(InputFile {
                name: named_inputs::name_of(typed)?,
                path: named_inputs::expanded(typed)?,
            })
        };
        named(&typed).map_err(refused("FILE", &typed))
    });
    let joined = named_inputs::joined(files.collect::<Result<_, Refusal>>()?);
    let joined = joined.map_err(|why| Refusal::usage(format!("FILE... {why}")))?;
    let name = match &args.name {
        Some(name) => named_inputs::file_name(name).map_err(refused("-name", name))?,
        None => joined.name,
    };
    let read = ReadOptions {
        genes: args.genes,
        ..args.read.into()
    };
    let input = RawFiles::Any(joined.inputs);
    Ok(Request::Convert {
        conversions: vec![conversion(name, input, read, &args.output)],
        quiet: args.output.quiet.quiet.0,
    })
}

fn conversion(
    name: String,
    input: RawFiles,
    read: ReadOptions,
    output: &ConvertedArgs,
) -> ConvertConfig {
    ConvertConfig {
        input,
        read,
        output: output.data_dir.join(format!("{name}.h5ad")),
        overwrite: output.overwrite.0,
        name,
    }
}

/// Fails where a conversion would replace what another one has just written.
fn different_outputs(conversions: &[ConvertConfig]) -> Result<(), Refusal> {
    let mut names = HashSet::new();
    match conversions
        .iter()
        .find(|conversion| !names.insert(&conversion.name))
    {
        None => Ok(()),
        Some(ConvertConfig { name, .. }) => Err(Refusal::usage(format!(
            "two inputs would become {name}.h5ad: convert them one by one, each with a -name or -data_dir of its own"
        ))),
    }
}
