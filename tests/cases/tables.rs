//! Tables whose rows and columns are not what they seem at first.

use attentionae_sc::read::{Orientation, ReadOptions};

use super::sample::{N_CELLS, N_GENES, Sample, counts, read, says};

fn plain() -> ReadOptions {
    ReadOptions::default()
}

fn turned() -> ReadOptions {
    ReadOptions {
        orientation: Orientation::GenesInRows,
        ..plain()
    }
}

fn as_it_is() -> ReadOptions {
    ReadOptions {
        orientation: Orientation::CellsInRows,
        ..plain()
    }
}

#[test]
fn genes_in_rows_are_refused() {
    let sample = Sample::new();
    let path = sample.file("counts.csv", sample.turned("", ","));
    let said = says(&path, &plain());
    assert!(
        said.contains("genes are in rows (CD3D, GAPDH, ACTB …)"),
        "{said}"
    );
    assert!(said.contains("add -transpose True"), "{said}");
    let data = read(&path, &turned());
    assert_eq!(
        (&data.cell_names, &data.gene_names),
        (&sample.cells, &sample.genes)
    );
    assert_eq!(counts(&data), sample.counts);
    let forced = read(&path, &as_it_is());
    assert_eq!(forced.cell_names, sample.genes);
    sample
        .run("counts.csv", &[])
        .fails(&["add -transpose True"]);
}

#[test]
fn cells_in_rows_are_not_turned_into_genes() {
    let sample = Sample::new();
    let path = sample.file("counts.csv", sample.table("", ","));
    assert_eq!(counts(&read(&path, &plain())), sample.counts);
    let said = says(&path, &turned());
    assert!(said.contains("leave -transpose out"), "{said}");
}

#[test]
fn a_turned_h5ad_is_refused() {
    let sample = Sample::new();
    let path = sample.path("turned.h5ad");
    let x = sample.counts.t().to_owned();
    Sample::write(&path, &x, &sample.genes, &sample.cells, vec![], vec![]);
    let said = says(&path, &plain());
    assert!(said.contains(".T.write_h5ad"), "{said}");
    assert_eq!(read(&path, &as_it_is()).cell_names, sample.genes);
}

#[test]
fn genes_in_rows_are_told_by_their_totals_where_names_tell_nothing() {
    let sample = Sample::new();
    let named = |letter: char, n: usize| -> Vec<String> {
        (0..n)
            .map(|position| format!("{letter}{position}"))
            .collect()
    };
    let (rows, columns) = (named('x', N_GENES), named('y', N_CELLS));
    let text = |columns: &[String], rows: &[String], turned: bool| {
        let mut lines = vec![format!(",{}\n", columns.join(","))];
        for (position, name) in rows.iter().enumerate() {
            let values = if turned {
                sample.counts.column(position)
            } else {
                sample.counts.row(position)
            };
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            lines.push(format!("{name},{}\n", values.join(",")));
        }
        lines.concat()
    };
    let path = sample.file("x.csv", text(&columns, &rows, true));
    assert!(says(&path, &plain()).contains("add -transpose True"));
    let path = sample.file("y.csv", text(&rows, &columns, false));
    assert_eq!(counts(&read(&path, &plain())), sample.counts);
    // Too small to tell: said, not refused.
    let path = sample.file("z.csv", ",a,b\nc,1,2\nd,3,4\n");
    let notes = read(&path, &plain()).notes;
    assert!(
        notes[0].contains("rows (c, d) are taken for cells"),
        "{notes:?}"
    );
}

#[test]
fn a_first_column_of_numbers_is_names() {
    let sample = Sample::new();
    let numbered = |text: String, first: usize| -> String {
        let mut lines = text.lines();
        let header = lines.next().expect("a header").to_owned();
        let lines = lines.enumerate().map(|(row, line)| {
            let (_, counts) = line.split_once(',').expect("counts");
            format!("{},{counts}", first + row)
        });
        [vec![header], lines.collect()].concat().join("\n")
    };
    for title in ["Cell_Index", "cellnumber", "whatever"] {
        let path = sample.file("bd.csv", numbered(sample.table(title, ","), 1000));
        let data = read(&path, &plain());
        assert_eq!(data.gene_names, sample.genes, "{title}");
        assert_eq!(
            (data.cell_names[0].as_str(), data.cell_names.len()),
            ("1000", N_CELLS)
        );
        assert_eq!(counts(&data), sample.counts);
    }
    let path = sample.file("entrez.csv", numbered(sample.turned("entrez", ","), 1));
    assert!(says(&path, &plain()).contains("add -transpose True"));
    let data = read(&path, &turned());
    assert_eq!(
        (data.gene_names[0].as_str(), &data.cell_names),
        ("1", &sample.cells)
    );
}

#[test]
fn lengths_and_clusters_are_neither_cells_nor_genes() {
    let sample = Sample::new();
    let with = |text: String, titles: &str, values: &dyn Fn(usize) -> String| -> String {
        let lines = text.lines().enumerate().map(|(line, text)| {
            let (name, counts) = text.split_once('\t').expect("counts");
            match line {
                0 => format!("{name}\t{titles}\t{counts}"),
                _ => format!("{name}\t{}\t{counts}", values(line - 1)),
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let lengths = |gene: usize| format!("chr{}\t+\t{}", gene % 20, 500 + 7 * gene);
    let text = with(
        sample.turned("Geneid", "\t"),
        "Chr\tStrand\tLength",
        &lengths,
    );
    let path = sample.file(
        "length.tsv",
        format!(
            "{text}\n__no_feature\t\t\t\t{}\n",
            vec!["9"; N_CELLS].join("\t")
        ),
    );
    assert!(says(&path, &plain()).contains("add -transpose True"));
    let data = read(&path, &turned());
    assert_eq!(
        (&data.cell_names, counts(&data)),
        (&sample.cells, sample.counts.clone())
    );
    assert_eq!(data.gene_names, sample.genes);
    assert!(
        data.notes[0].ends_with("columns Chr, Strand, Length"),
        "{:?}",
        data.notes
    );
    assert!(
        data.notes[1].ends_with("rows __no_feature"),
        "{:?}",
        data.notes
    );
    let types = sample.types.clone();
    let known = |cell: usize| format!("{}\t0.{cell}\t{}", 900 + cell, types[cell]);
    let text = with(
        sample.table("", "\t"),
        "nCount_RNA\tpercent.mt\tmy_types",
        &known,
    );
    let path = sample.file("seurat.tsv", text);
    let data = read(&path, &plain());
    assert_eq!(
        (data.gene_names.len(), counts(&data)),
        (N_GENES, sample.counts.clone())
    );
    let labels = data.obs.labels("my_types").expect("a column");
    assert_eq!(labels[7].as_deref(), Some(sample.types[7].as_str()));
    let ended = sample.run("seurat.tsv", &["-celltype", "my_types"]);
    ended.succeeds(&["columns nCount_RNA, percent.mt, my_types", "ARI 1.000"]);
}

#[test]
fn cells_and_genes_that_are_called_like_columns_are_read() {
    let mut sample = Sample::new();
    "PCA3".clone_into(&mut sample.genes[9]);
    for cell in &mut sample.cells[..100] {
        *cell = format!("HTO_1_{cell}");
    }
    for (name, text, options) in [
        ("cells.csv", sample.table("", ","), plain()),
        ("genes.csv", sample.turned("", ","), turned()),
    ] {
        let data = read(&sample.file(name, text), &options);
        assert_eq!(
            (&data.cell_names, &data.gene_names),
            (&sample.cells, &sample.genes)
        );
        assert_eq!(counts(&data), sample.counts);
    }
}

#[test]
fn a_separator_at_the_end_of_each_line_shifts_no_column() {
    let sample = Sample::new();
    let table = sample.table("cell", ",");
    let (header, lines) = table.split_once('\n').expect("a header");
    let lines = lines.replace('\n', ",\n");
    let path = sample.file("ends.csv", format!("{header}\n{lines}"));
    let data = read(&path, &plain());
    assert_eq!(
        (&data.cell_names, &data.gene_names),
        (&sample.cells, &sample.genes)
    );
    assert_eq!(counts(&data), sample.counts);
}

#[test]
fn comments_before_the_header_are_passed_over() {
    let sample = Sample::new();
    let comments = "## Analysis pipeline 1.8\n## Date: 2020, January\n##\n";
    let table = sample.table("cell", ",");
    let path = sample.file("bd.csv", format!("{comments}{table}"));
    let data = read(&path, &plain());
    assert_eq!(
        (&data.cell_names, counts(&data)),
        (&sample.cells, sample.counts.clone())
    );
    let path = sample.file(
        "bad.csv",
        format!("{comments}{}", table.replacen(",0,", ",-4,", 1)),
    );
    let line = 5 + table
        .lines()
        .skip(1)
        .position(|line| line.contains(",0,"))
        .expect("a zero");
    let said = says(&path, &plain());
    assert!(said.contains(&format!("line {line}: ")), "{said}");
    let comment = "# Program:featureCounts v2.0.1; Command:\"featureCounts\"\n";
    let path = sample.file(
        "fc.txt",
        format!("{comment}{}", sample.turned("gene", "\t")),
    );
    assert_eq!(counts(&read(&path, &turned())), sample.counts);
}

#[test]
fn utf16_and_windows_lines_are_read() {
    let sample = Sample::new();
    let table = sample.table("", ",").replace('\n', "\r\n");
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(table.encode_utf16().flat_map(u16::to_le_bytes));
    for (name, content) in [("utf16.csv", bytes), ("crlf.csv", table.into_bytes())] {
        let data = read(&sample.file(name, content), &plain());
        assert_eq!(
            (&data.cell_names, counts(&data)),
            (&sample.cells, sample.counts.clone())
        );
        assert_eq!(data.gene_names, sample.genes, "{name}");
    }
}
