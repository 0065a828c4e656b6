//! Formats that are read, and those that are named.

use std::{fs, io::Write, path::Path, process::Command};

use attentionae_sc::{
    counts::CountRules,
    read::{Format, ReadOptions},
};
use flate2::{Compression, write::GzEncoder};

use super::{
    common::others::{Named, write_h5mu, write_loom},
    sample::{Sample, counts, read, says},
};

fn named(sample: &Sample) -> Named<'_> {
    Named {
        counts: &sample.counts,
        cells: &sample.cells,
        genes: &sample.genes,
        types: &sample.types,
    }
}

#[test]
fn loom_is_read() {
    let sample = Sample::new();
    let path = sample.path("x.loom");
    write_loom(&path, &named(&sample));
    let data = read(&path, &ReadOptions::default());
    assert_eq!(data.format, Format::Loom);
    assert_eq!(
        (&data.cell_names, &data.gene_names),
        (&sample.cells, &sample.genes)
    );
    assert_eq!(counts(&data), sample.counts);
    let rows = data.counts.rows(10..12).expect("rows").to_dense();
    assert_eq!(rows, sample.counts.slice(ndarray::s![10..12, ..]));
    let ended = sample.run(
        "x.loom",
        &["-celltype", "ClusterName", "-save_h5ad", "True"],
    );
    ended.succeeds(&["computed on 300 of 300 cells", "ARI 1.000"]);
    let copy = read(&sample.path("h5ad/x.h5ad"), &ReadOptions::default());
    assert_eq!(counts(&copy), sample.counts);
}

#[test]
fn h5mu_is_read() {
    let sample = Sample::new();
    let path = sample.path("x.h5mu");
    write_h5mu(&path, &named(&sample));
    let data = read(&path, &ReadOptions::default());
    assert_eq!(data.format, Format::H5mu);
    assert_eq!(
        (&data.cell_names, &data.gene_names),
        (&sample.cells, &sample.genes)
    );
    assert_eq!(counts(&data), sample.counts);
    let ended = sample.run("x.h5mu", &["-save_h5ad", "True"]);
    ended.succeeds(&["computed on 300 of 300 cells"]);
    let copy = read(&sample.path("h5ad/x.h5ad"), &ReadOptions::default());
    assert_eq!(counts(&copy), sample.counts);
    let file = hdf5::File::create(sample.path("two.h5mu")).expect("a file");
    for name in ["mod/a", "mod/b"] {
        file.create_group(name).expect("a group");
    }
    file.close().expect("a file");
    let said = says(&sample.path("two.h5mu"), &ReadOptions::default());
    assert!(
        said.contains("none of its modalities is called rna: a, b"),
        "{said}"
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("gzip");
    encoder.finish().expect("gzip")
}

#[test]
fn gzipped_hdf5_is_read() {
    let sample = Sample::new();
    let path = sample.h5ad(
        "x.h5ad",
        &sample.counts,
        vec![("celltype", sample.celltype())],
        vec![],
    );
    let packed = sample.file("y.h5ad.gz", gzip(&fs::read(path).expect("bytes")));
    assert_eq!(
        counts(&read(&packed, &ReadOptions::default())),
        sample.counts
    );
    let ended = sample.run("y.h5ad.gz", &["-save_h5ad", "True"]);
    ended.succeeds(&["ARI 1.000"]);
    let copy = read(&sample.path("h5ad/y.h5ad"), &ReadOptions::default());
    assert_eq!(counts(&copy), sample.counts);
}

#[test]
fn files_of_other_formats_are_named() {
    let sample = Sample::new();
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n";
    let cases: [(&str, Vec<u8>, &str, &str); 9] = [
        (
            "obj.rds",
            gzip(b"X\n\0\0\0\x03\0\0\0\0"),
            "an R object",
            "write10xCounts",
        ),
        (
            "plain.rds",
            b"X\n\0\0\0\x03\0\0\0\0".to_vec(),
            "an R object",
            "readRDS",
        ),
        (
            "obj.RData",
            gzip(b"RDX3\nX\n\0\0"),
            "an R workspace",
            "load(",
        ),
        (
            "page.h5ad",
            b"<!DOCTYPE html><html>404".to_vec(),
            "a web page",
            "download",
        ),
        (
            "page.csv",
            b"<html><body>".to_vec(),
            "a web page",
            "download",
        ),
        (
            "lfs.h5ad",
            pointer.to_vec(),
            "a Git LFS pointer",
            "git lfs pull",
        ),
        ("GSE1_RAW.tar", tar.clone(), "a tar archive", "tar -xf"),
        ("GSE1_RAW.tar.gz", gzip(&tar), "a tar archive", "tar -xf"),
        (
            "x.csv.xz",
            b"\xfd7zXZ\0\0".to_vec(),
            "compressed with xz",
            "unxz",
        ),
    ];
    for (name, content, what, next) in cases {
        let said = says(&sample.file(name, content), &ReadOptions::default());
        assert!(said.contains(what) && said.contains(next), "{name}: {said}");
    }
    for (file, name) in [(".zgroup", "v2.zarr"), ("zarr.json", "v3.zarr")] {
        sample.file(&format!("{name}/{file}"), "{}");
        sample.file(&format!("{name}/tables/{file}"), "{}");
        let said = says(&sample.path(name), &ReadOptions::default());
        assert!(
            said.contains("no AnnData, as it has no obs") && said.ends_with("it holds: tables"),
            "{said}"
        );
    }
    sample.file("loose/a.csv", "x");
    let said = says(&sample.path("loose"), &ReadOptions::default());
    assert!(said.contains("name one of what it holds: a.csv"), "{said}");
}

/// Three cells of two genes.
fn few_counts() -> ndarray::Array2<f32> {
    ndarray::arr2(&[[5., 0.], [0., 7.], [1., 0.]])
}

const FEW_BY_GENES: &str = "2 3 3\n1 1 5\n2 2 7\n1 3 1\n";
const FEW_BY_CELLS: &str = "3 2 3\n1 1 5\n2 2 7\n3 1 1\n";
const FEW_CELLS: &str = "SAMEA1\nSAMEA2\nSAMEA3\n";
const FEW_GENES: &str = "ENSG00000000003\tTSPAN6\nENSG00000000005\tTNMD\n";

/// A `.mtx` file whose values are called `field`.
fn few(field: &str, size_and_entries: &str) -> String {
    format!("%%MatrixMarket matrix coordinate {field} general\n{size_and_entries}")
}

#[test]
fn folders_of_other_programs_are_read() {
    let sample = Sample::new();
    let by_genes = few("integer", FEW_BY_GENES);
    let by_cells = few("integer", FEW_BY_CELLS);
    let genes = "ENSG00000000003\tENSG00000000003\nENSG00000000005\tENSG00000000005\n";
    let ebi = "ebi/E-MTAB-1.aggregated_filtered_counts.mtx";
    sample.file(ebi, &by_genes);
    sample.file(&format!("{ebi}_rows"), genes);
    sample.file(&format!("{ebi}_cols"), FEW_CELLS);
    sample.file("af/quants_mat.mtx", &by_cells);
    sample.file("af/quants_mat_rows.txt", FEW_CELLS);
    sample.file(
        "af/quants_mat_cols.txt",
        "ENSG00000000003\nENSG00000000005\n",
    );
    sample.file("parse/DGE.mtx", &by_cells);
    sample.file(
        "parse/cell_metadata.csv",
        "bc_wells,sample\n01_01,a\n01_02,a\n01_03,b\n",
    );
    let named =
        "gene_id,gene_name,genome\nENSG00000000003,TSPAN6,hg38\nENSG00000000005,TNMD,hg38\n";
    sample.file("parse/all_genes.csv", named);
    for folder in ["ebi", "af", "parse"] {
        let data = read(&sample.path(folder), &ReadOptions::default());
        assert_eq!(counts(&data), few_counts(), "{folder}");
    }
    let parse = read(&sample.path("parse"), &ReadOptions::default());
    assert_eq!(parse.gene_names, ["TSPAN6", "TNMD"]);
}

#[test]
fn one_of_several_matrices_in_a_folder_has_the_names_of_all() {
    let sample = Sample::new();
    for matrix in ["spliced", "unspliced", "ambiguous"] {
        let place = format!("Velocyto/raw/{matrix}.mtx");
        sample.file(&place, few("integer", FEW_BY_GENES));
    }
    sample.file("Velocyto/raw/barcodes.tsv", FEW_CELLS);
    sample.file("Velocyto/raw/features.tsv", FEW_GENES);
    for matrix in ["mature", "nascent"] {
        let place = format!("kb/cells_x_genes.{matrix}.mtx");
        sample.file(&place, few("real", FEW_BY_CELLS));
    }
    sample.file("kb/cells_x_genes.barcodes.txt", FEW_CELLS);
    sample.file("kb/cells_x_genes.genes.txt", FEW_GENES);
    for (folder, matrix) in [
        ("Velocyto/raw", "spliced.mtx"),
        ("kb", "cells_x_genes.mature.mtx"),
    ] {
        let said = says(&sample.path(folder), &ReadOptions::default());
        assert!(
            said.contains("name one of them") && said.contains(matrix),
            "{said}"
        );
        let path = sample.path(folder).join(matrix);
        let data = read(&path, &ReadOptions::default());
        assert_eq!(counts(&data), few_counts(), "{matrix}");
        assert_eq!(data.gene_names, ["TSPAN6", "TNMD"], "{matrix}");
    }
}

#[test]
fn matrices_that_r_and_scipy_write_are_read() {
    let sample = Sample::new();
    let with_antibody = "3 3 4\n1 1 5\n2 2 7\n1 3 1\n3 1 9\n";
    sample.file("r/matrix.mtx", few("unsigned-integer", with_antibody));
    sample.file("r/barcodes.tsv", "\"SAMEA1\"\n\"SAMEA2\"\n\"SAMEA3\"\n");
    sample.file(
        "r/features.tsv",
        "\"ENSG00000000003\"\t\"TSPAN6\"\t\"Gene Expression\"\n\"ENSG00000000005\"\t\"TNMD\"\t\"Gene Expression\"\n\
         \"CD3\"\t\"CD3\"\t\"Antibody Capture\"\n",
    );
    let data = read(&sample.path("r"), &ReadOptions::default());
    assert_eq!(counts(&data), few_counts());
    assert_eq!(data.gene_names, ["TSPAN6", "TNMD"]);
    assert_eq!(data.cell_names, ["SAMEA1", "SAMEA2", "SAMEA3"]);
    assert_eq!(data.notes, ["2 genes; left out: 1 Antibody Capture"]);
}

#[test]
fn of_alevin_frys_three_counts_of_a_gene_two_are_summed() {
    let sample = Sample::new();
    let genes = ["", "-U", "-A"].map(|ending| {
        let genes = ["ENSG00000000003", "ENSG00000000005"];
        genes.map(|gene| format!("{gene}{ending}\n")).concat()
    });
    sample.file("af/quants_mat_cols.txt", genes.concat());
    sample.file("af/quants_mat_rows.txt", FEW_CELLS);
    let entries = "3 6 6\n1 5 1\n1 1 4\n2 2 7\n2 4 9\n3 3 2\n3 5 1\n";
    sample.file("af/quants_mat.mtx", few("real", entries));
    let data = read(&sample.path("af"), &ReadOptions::default());
    assert_eq!(counts(&data), few_counts());
    assert_eq!(data.gene_names, ["ENSG00000000003", "ENSG00000000005"]);
    let said = data.notes.join("\n");
    assert!(
        said.contains("alevin-fry counted each gene three times (USA mode)"),
        "{said}"
    );
}

#[test]
fn what_is_no_file_is_named() {
    let sample = Sample::new();
    let said = |name: &str| sample.program(&["-name", name]);
    let url = said("https://example.org/x.h5ad");
    assert_eq!(url.code, Some(2), "{url:?}");
    assert!(
        url.stderr
            .contains("curl -L -O \"https://example.org/x.h5ad\""),
        "{url:?}"
    );
    assert!(said("-").stderr.contains("save the data to a file first"));
    let pipe = sample.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo")
            .success()
    );
    said("./pipe").fails(&["not a regular file; save the data to one first"]);
    said("nowhere").fails(&["there is no folder Data/AnnData", "-data_dir"]);
    sample.file("Data/AnnData/zeisel.h5ad", "");
    said("zeisl").fails(&["did you mean zeisel.h5ad?"]);
    said("~/no such file.h5ad").fails(&["no such file"]);
    assert!(!Path::new("~").exists());
}

/// Alevin's format EDS: a bit for each gene of a cell, then the values of those that are set.
fn eds(sample: &Sample, value: impl Fn(f32) -> f32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in sample.counts.rows() {
        let row: Vec<f32> = row.iter().map(|&count| value(count)).collect();
        bytes.extend(row.chunks(8).map(|genes| {
            let bits = genes.iter().enumerate();
            bits.fold(0_u8, |byte, (bit, &value)| {
                byte | u8::from(value != 0.0) << (7 - bit)
            })
        }));
        let stored = row.iter().filter(|&&value| value != 0.0);
        bytes.extend(stored.flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

#[test]
fn alevins_binary_matrix_is_read_and_its_fractions_rounded() {
    let sample = Sample::new();
    sample.file("s1/alevin/quants_mat_rows.txt", sample.cells.join("\n"));
    sample.file("s1/alevin/quants_mat_cols.txt", sample.genes.join("\n"));
    sample.file(
        "s1/alevin/quants_mat.gz",
        gzip(&eds(&sample, |count| count)),
    );
    // Most molecules are of one gene, some are shared out.
    let estimated = |count: f32| if count > 2.0 { count - 0.07 } else { count };
    for place in ["s1", "s1/alevin", "s1/alevin/quants_mat.gz"] {
        let data = read(&sample.path(place), &ReadOptions::default());
        assert_eq!(data.format, Format::Alevin);
        assert_eq!(counts(&data), sample.counts);
        assert_eq!(
            (&data.cell_names, &data.gene_names),
            (&sample.cells, &sample.genes)
        );
    }
    sample
        .run("s1/alevin/quants_mat.gz", &[])
        .succeeds(&["Final"]);
    assert!(sample.path("pred_label/s1.csv").is_file());
    sample.file("s1/alevin/quants_mat.gz", gzip(&eds(&sample, estimated)));
    let said = says(&sample.path("s1"), &ReadOptions::default());
    assert!(said.contains("salmon, alevin): -round True"), "{said}");
    let rounding = ReadOptions {
        rules: CountRules {
            round: true,
            ..CountRules::default()
        },
        ..ReadOptions::default()
    };
    let rounded = counts(&read(&sample.path("s1"), &rounding));
    assert_eq!(rounded, sample.counts);
    sample.file(
        "s1/alevin/quants_mat_rows.txt",
        sample.cells[1..].join("\n"),
    );
    let said = says(&sample.path("s1"), &ReadOptions::default());
    assert!(said.contains("more than the 299 cells"), "{said}");
}

#[test]
fn of_rhapsodys_tables_that_of_molecules_is_read() {
    let mut sample = Sample::new();
    sample.cells = (0..sample.cells.len())
        .map(|cell| (7 * cell + 3).to_string())
        .collect();
    let comments = "##############\n## Pipeline: BD Rhapsody\n##############\n";
    let molecules = format!("{comments}{}", sample.table("Cell_Index", ","));
    let reads = format!(
        "{comments}{}",
        sample.table("Cell_Index", ",").replace(",1", ",5")
    );
    let name = "S1_RSEC_MolsPerCell.csv";
    let path = sample.file(name, &molecules);
    let data = read(&path, &ReadOptions::default());
    assert_eq!(counts(&data), sample.counts);
    assert_eq!(data.cell_names, sample.cells);
    let archive = fs::File::create(sample.path("S1.zip")).expect("a file");
    let mut archive = zip::ZipWriter::new(archive);
    for (name, text) in [
        ("S1_RSEC_ReadsPerCell.csv", &reads),
        ("S1_DBEC_MolsPerCell.csv", &reads),
        (name, &molecules),
    ] {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(name, options).expect("an entry");
        archive.write_all(text.as_bytes()).expect("an entry");
    }
    archive.finish().expect("an archive");
    let data = read(&sample.path("S1.zip"), &ReadOptions::default());
    assert_eq!(counts(&data), sample.counts);
    let said = data.notes.join("\n");
    assert!(
        said.contains("not read: S1_DBEC_MolsPerCell.csv, S1_RSEC_ReadsPerCell.csv"),
        "{said}"
    );
}
