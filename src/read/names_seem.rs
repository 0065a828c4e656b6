//! Whether names are those of cells or of genes, told by how they are made.

/// Names that are looked at, spread evenly over all.
const LOOKED_AT: usize = 2000;
/// Letters of a barcode.
const BASES: &[u8] = b"ACGTN";
/// The shortest barcode.
const BARCODE: usize = 8;

/// Genes that most data sets of mice or men name, in capitals.
const KNOWN_GENES: [&str; 72] = [
    "ACTA2", "ACTB", "ACTG1", "ALB", "APOE", "AQP4", "B2M", "CCR7", "CD14", "CD19", "CD2", "CD3D",
    "CD3E", "CD3G", "CD4", "CD68", "CD74", "CD79A", "CD79B", "CD8A", "COL1A1", "COL1A2", "CST3",
    "EEF1A1", "EPCAM", "FCGR3A", "FOS", "FTH1", "FTL", "GAD1", "GAD2", "GAPDH", "GCG", "GFAP",
    "GNLY", "HBA1", "HBA2", "HBB", "HPRT1", "HSP90AB1", "IL7R", "INS", "INS1", "INS2", "JUN",
    "KRT18", "KRT8", "LYZ", "MALAT1", "MBP", "MKI67", "MOG", "MS4A1", "NEAT1", "NKG7", "PECAM1",
    "PLP1", "PPBP", "PPIA", "PTPRC", "S100A8", "S100A9", "SLC17A7", "SOX2", "SST", "TMSB10",
    "TMSB4X", "TTR", "TUBB", "UBC", "VIM", "XIST",
];

/// Words that stand before a number in the names of cells.
const CELL_WORDS: [&str; 8] = [
    "barcode", "bc", "donor", "droplet", "patient", "sample", "spot", "well",
];

/// What the names of one side of a matrix have in common, as shares of the names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NamesSeem {
    cells: f64,
    genes: f64,
    symbols: f64,
    n_known: usize,
}

impl NamesSeem {
    /// Looks at names from all over the list.
    pub(super) fn of(names: &[String]) -> Self {
        let step = names.len().div_ceil(LOOKED_AT).max(1);
        let looked_at: Vec<&str> = names.iter().step_by(step).map(String::as_str).collect();
        let share = |test: fn(&str) -> bool| {
            let passed = looked_at.iter().filter(|name| test(name)).count();
            passed as f64 / looked_at.len().max(1) as f64
        };
        let is_known = |name: &&&str| KNOWN_GENES.contains(&name.to_uppercase().as_str());
        Self {
            cells: share(is_cell),
            genes: share(is_gene),
            symbols: share(is_symbol),
            n_known: looked_at.iter().filter(is_known).count(),
        }
    }

    /// Most names are made as those of cells are.
    pub(super) fn are_cells(&self) -> bool {
        self.cells > 0.5
    }

    /// Names are made as those of genes are, or well-known genes are among them.
    pub(super) fn are_genes(&self) -> bool {
        !self.are_cells()
            && (self.genes > 0.5
                || self.n_known >= 3
                || (self.n_known > 0 && self.symbols > 0.5)
                || (self.genes > 0.02 && self.symbols > 0.5))
    }

    /// Names could be symbols of genes, which names of wells could be too.
    pub(super) fn may_be_genes(&self) -> bool {
        !self.are_cells() && self.symbols > 0.8
    }
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Whether a name is that of one cell; `prediction.score.T.cell` says something of cells.
pub(super) fn is_one_cell(name: &str) -> bool {
    let last = words(name).last().unwrap_or_default();
    is_cell(name) && (is_barcode(last) || last.contains(|c: char| c.is_ascii_digit()))
}

/// `AAACCTGAGAAACCAT-1`, `cell_17`, `GSM1626794`, `plate1_A01`
fn is_cell(name: &str) -> bool {
    let is_accession = |word: &str| {
        ["GSM", "SRR", "SRX", "ERR", "DRR", "SAMN"]
            .iter()
            .filter_map(|prefix| word.strip_prefix(prefix))
            .any(|number| number.len() >= 4 && is_digits(number))
    };
    let is_cell_word = |word: &str| {
        let word = word.to_ascii_lowercase();
        let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
        name == "cell" || name == "cells" || (name.len() < word.len() && CELL_WORDS.contains(&name))
    };
    let is_well = words(name).count() > 1 && words(name).last().is_some_and(is_well);
    is_well || words(name).any(|word| is_barcode(word) || is_accession(word) || is_cell_word(word))
}

fn is_barcode(word: &str) -> bool {
    word.len() >= BARCODE && word.bytes().all(|base| BASES.contains(&base))
}

/// `A01` to `P24`
fn is_well(word: &str) -> bool {
    let Some(number) = word.strip_prefix(|c: char| ('A'..='P').contains(&c)) else {
        return false;
    };
    number.len() == 2 && number.parse().is_ok_and(|n: u8| (1..=24).contains(&n))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Identifiers of Ensembl, FlyBase, WormBase and TAIR, mitochondrial and ribosomal genes, clones and the like.
fn is_gene(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let ends_in_digits = |prefix: &str, at_least: usize| {
        let rest = upper.strip_prefix(prefix).unwrap_or_default();
        let digits = rest.split('.').next().unwrap_or_default();
        digits.len() >= at_least && is_digits(digits)
    };
    let is_ensembl = upper.starts_with("ENS")
        && upper.bytes().filter(u8::is_ascii_digit).count() >= 9
        && !upper.contains(' ');
    let is_plant = upper.starts_with("AT") && upper.len() == 9 && upper.as_bytes()[3] == b'G';
    let numbered = [
        ("FBGN", 7),
        ("WBGENE", 8),
        ("LOC", 5),
        ("LINC", 5),
        ("GM", 3),
        ("RPL", 1),
        ("RPS", 1),
        ("MRPL", 1),
        ("MRPS", 1),
        ("GENE", 1),
        ("GENE_", 1),
        ("GENE-", 1),
    ];
    let is_of_genome = [
        "HG19_", "HG38_", "GRCH38_", "GRCH37_", "MM10_", "MM9_", "GRCM38_", "GRCM39_",
    ];
    is_ensembl
        || is_plant
        || numbered
            .iter()
            .any(|&(prefix, n)| ends_in_digits(prefix, n))
        || is_of_genome.iter().any(|prefix| upper.starts_with(prefix))
        || upper.starts_with("MT-")
        || upper.starts_with("ERCC-0")
        || upper.starts_with("RP11-")
        || (name.ends_with("Rik") && name.as_bytes()[0].is_ascii_digit())
}

/// A symbol as HGNC (`GAPDH`, `C1orf43`) or MGI (`Gad1`) make them.
fn is_symbol(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '@' | '/');
    let n_letters = name.chars().filter(char::is_ascii_alphabetic).count();
    let starts = name.starts_with(|c: char| c.is_ascii_uppercase());
    let is_shaped = starts && n_letters >= 2 && name.len() <= 20 && name.chars().all(is_allowed);
    let letters = || name.chars().filter(char::is_ascii_alphabetic);
    let is_hgnc = letters().all(|c| c.is_ascii_uppercase()) || name.contains("orf");
    let is_mgi = letters().skip(1).all(|c| c.is_ascii_lowercase());
    is_shaped && (is_hgnc || is_mgi) && !is_cell(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seem(names: &[&str]) -> NamesSeem {
        NamesSeem::of(&names.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn names_of_cells() {
        for name in [
            "AAACCTGAGAAACCAT-1",
            "s1_AAACCTGAGAAACCAT",
            "AAACCTGAGAAACCAT.1",
            "human1_lib1.final_cell_0001",
            "Cell17",
            "GSM1626794",
            "SRR1974543",
            "plate2_H12",
            "sample12",
        ] {
            assert!(is_cell(name), "{name}");
            assert!(seem(&[name]).are_cells(), "{name}");
        }
        for name in [
            "CD3D", "CELSR1", "HLA-DRA", "GAPDH", "BC1", "G17", "c0", "CATSPER1",
        ] {
            assert!(!is_cell(name) || name == "BC1", "{name}");
        }
    }

    #[test]
    fn names_of_genes() {
        for name in [
            "ENSG00000243485",
            "ENSMUSG00000051951.5",
            "FBgn0031208",
            "WBGene00000001",
            "AT1G01010",
            "MT-CO1",
            "mt-Nd1",
            "Rpl3",
            "1700001C02Rik",
            "Gm12345",
            "gene_17",
            "GRCh38_CD3D",
        ] {
            assert!(seem(&[name]).are_genes(), "{name}");
        }
        assert!(seem(&["Gad1", "Mbp", "Xkr4"]).are_genes());
        assert!(seem(&["Xkr4", "Sox17", "Mrpl15", "Lypla1"]).may_be_genes());
    }

    #[test]
    fn names_that_tell_nothing() {
        for names in [["1", "2"], ["c0", "c1"], ["x", "y"], ["G0", "G1"]] {
            let seem = seem(&names);
            assert!(
                !seem.are_cells() && !seem.are_genes() && !seem.may_be_genes(),
                "{names:?}"
            );
        }
    }
}
