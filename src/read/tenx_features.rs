//! The features that a data set counts: genes, and whatever else was measured.

use std::fmt::Write as _;

use super::{ReadError, ReadOptions};
use crate::h5ad::Column;

/// Cell Ranger's name of the feature type that genes are.
const GENES: &str = "Gene Expression";
/// How others call it, in small letters.
const GENE_TYPES: [&str; 7] = [
    "gene expression",
    "gene",
    "genes",
    "gex",
    "mrna",
    "rna",
    "expression",
];
/// Types of features that are not genes, in small letters.
const OTHER_TYPES: [&str; 16] = [
    "adt",
    "antibody",
    "antibody capture",
    "antigen capture",
    "atac",
    "crispr guide capture",
    "custom",
    "guide",
    "hashtag",
    "hto",
    "multiplexing capture",
    "peak",
    "peaks",
    "protein",
    "proteins",
    "sgrna",
];

/// Features by column; a column that the file lacks is empty.
#[derive(Debug, Default)]
pub(super) struct TenxFeatures {
    /// Gene symbols, or the names of antibodies and the like.
    pub(super) names: Vec<String>,
    /// Ensembl identifiers, or those of antibodies and the like.
    pub(super) ids: Vec<String>,
    /// `Gene Expression`, `Antibody Capture` and so on; empty where it is not known.
    pub(super) types: Vec<String>,
    /// Empty for what is of none, such as antibodies.
    pub(super) genomes: Vec<String>,
}

/// The features that are read.
#[derive(Debug)]
pub(super) struct Selection {
    /// Their positions, ascending.
    pub(super) features: Vec<u32>,
    /// What was left out, and of which genomes the rest is; `None` where these are all genes, of one genome.
    pub(super) note: Option<String>,
}

impl TenxFeatures {
    /// The features that the options select. Where no type is known to be one of genes or of anything else, as where the
    /// column holds biotypes, types select nothing.
    pub(super) fn select(&self, file: &str, options: &ReadOptions) -> Result<Selection, ReadError> {
        let all = 0..self.names.len();
        let no = |wanted: String, found: &[String]| ReadError::NoFeatures {
            file: file.to_owned(),
            wanted,
            found: distinct(found),
        };
        let has_genes = self.types.iter().any(|kind| is_gene_type(kind));
        let has_others = self.types.iter().any(|kind| is_other_type(kind));
        if options.gex_only && !has_genes && has_others {
            let wanted = format!("'{GENES}' (-gex_only False reads all)");
            return Err(no(wanted, &self.types));
        }
        let is_gene = |feature: usize| {
            let kind = self.types.get(feature).map_or("", String::as_str);
            !options.gex_only || !has_genes || kind.is_empty() || is_gene_type(kind)
        };
        let genome = options.genome.as_deref();
        let is_of_genome = |feature: usize| genome.is_none_or(|name| self.is_of(feature, name));
        let features: Vec<u32> = all
            .clone()
            .filter(|&feature| is_gene(feature) && is_of_genome(feature))
            .map(|feature| feature as u32)
            .collect();
        if let Some(genome) = genome.filter(|_| features.is_empty()) {
            return Err(no(format!("of genome {genome}"), &self.genomes));
        }
        let types = all.clone().filter(|&feature| !is_gene(feature));
        let types: Vec<&str> = types.map(|feature| self.types[feature].as_str()).collect();
        let others = all.filter(|&feature| is_gene(feature) && !is_of_genome(feature));
        let of_genomes: Vec<String> = others
            .map(|feature| match self.genomes.get(feature) {
                Some(genome) if genome.is_empty() => "of no genome".to_owned(),
                Some(genome) => format!("of genome {genome}"),
                None => "of other genomes".to_owned(),
            })
            .collect();
        let of_genomes = of_genomes.iter().map(String::as_str).collect::<Vec<_>>();
        Ok(self.selection(features, &[tally(&types), tally(&of_genomes)].concat()))
    }

    fn selection(&self, features: Vec<u32>, left_out: &[(String, usize)]) -> Selection {
        let genomes = features.iter();
        let genomes = genomes.filter_map(|&feature| self.genomes.get(feature as usize));
        let genomes = genomes.map(String::as_str);
        let genomes = tally(&genomes.filter(|name| !name.is_empty()).collect::<Vec<_>>());
        let kinds = features.iter();
        let kinds = kinds.filter_map(|&feature| self.types.get(feature as usize));
        let others = tally(
            &kinds
                .map(String::as_str)
                .filter(|kind| is_other_type(kind))
                .collect::<Vec<_>>(),
        );
        let mut note = match &others[..] {
            [] => format!("{} genes", grouped(features.len())),
            others => format!(
                "{} features, of them {}",
                grouped(features.len()),
                listed(others)
            ),
        };
        note.push_str("; left out: ");
        note.push_str(&match left_out {
            [] => "nothing".to_owned(),
            left_out => listed(left_out),
        });
        if genomes.len() > 1 {
            let _ = write!(
                note,
                "; of {} genomes: {} (-genome NAME reads one)",
                genomes.len(),
                listed(&genomes)
            );
        }
        let is_worth_saying = !left_out.is_empty() || !others.is_empty() || genomes.len() > 1;
        Selection {
            features,
            note: is_worth_saying.then_some(note),
        }
    }

    /// Whether a feature is of a genome: by its column, else by what stands before its name.
    fn is_of(&self, feature: usize, genome: &str) -> bool {
        let has_prefix = |names: &[String]| {
            let rest = names
                .get(feature)
                .and_then(|name| name.strip_prefix(genome));
            rest.is_some_and(|rest| rest.starts_with('_'))
        };
        match self.genomes.get(feature) {
            Some(found) => found == genome,
            None => has_prefix(&self.names) || has_prefix(&self.ids),
        }
    }

    /// Names and columns of `var` of the selected features.
    pub(super) fn into_var(self, selected: &[u32]) -> (Vec<String>, Vec<(String, Column)>) {
        let pick = |column: Vec<String>| -> Vec<String> {
            let picked = selected
                .iter()
                .map(|&feature| column[feature as usize].clone());
            picked.collect()
        };
        let labels = |column| Column::Categorical(pick(column).into_iter().map(Some).collect());
        let mut var = Vec::new();
        if !self.ids.is_empty() {
            var.push(("gene_ids".to_owned(), Column::Text(pick(self.ids))));
        }
        for (name, column) in [("feature_types", self.types), ("genome", self.genomes)] {
            if !column.is_empty() {
                var.push((name.to_owned(), labels(column)));
            }
        }
        (pick(self.names), var)
    }
}

/// Whether a text is a known type of features.
pub(super) fn is_type(kind: &str) -> bool {
    is_gene_type(kind) || is_other_type(kind)
}

fn is_gene_type(kind: &str) -> bool {
    GENE_TYPES.contains(&kind.trim().to_lowercase().as_str())
}

fn is_other_type(kind: &str) -> bool {
    OTHER_TYPES.contains(&kind.trim().to_lowercase().as_str())
}

/// A note where names without a known type are those of antibodies, hashtags or guides.
pub(super) fn note_on_tags(names: &[String]) -> Option<String> {
    let is_tag = |name: &&String| {
        let lower = name.to_lowercase();
        let has_number = |prefix: &str| {
            let rest = lower.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphabetic()))
        };
        lower.contains("totalseq")
            || lower.contains("hashtag")
            || lower.contains("antibody")
            || lower.starts_with("ab_")
            || ["hto", "adt", "cmo", "sgrna"]
                .iter()
                .any(|prefix| has_number(prefix))
            || ["_adt", "-adt", "_prot", "_hto"]
                .iter()
                .any(|end| lower.ends_with(end))
    };
    let tags: Vec<&String> = names.iter().filter(is_tag).collect();
    let first = tags.first()?;
    Some(format!(
        "{} of the genes are called like antibodies, hashtags or guides ('{first}'), and are clustered with the others: \
         if they are none, leave them out of the input",
        grouped(tags.len())
    ))
}

/// How often each value occurs, in the order in which they first do.
fn tally(values: &[&str]) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for &value in values {
        match counts.iter_mut().find(|(known, _)| known == value) {
            Some((_, n)) => *n += 1,
            None => counts.push((value.to_owned(), 1)),
        }
    }
    counts
}

/// `8 Antibody Capture, 2 Custom`
fn listed(counts: &[(String, usize)]) -> String {
    let items = counts.iter();
    let items = items.map(|(name, n)| format!("{} {name}", grouped(*n)));
    items.collect::<Vec<_>>().join(", ")
}

/// A number with commas between thousands.
pub(super) fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for start in (first..digits.len()).step_by(3) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&digits[start..start + 3]);
    }
    text
}

/// The different values that are not empty, in the order in which they first occur.
fn distinct(values: &[String]) -> Vec<String> {
    let values = values.iter().map(String::as_str);
    let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
    tally(&values).into_iter().map(|(value, _)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(types: &[&str]) -> TenxFeatures {
        TenxFeatures {
            names: (0..types.len()).map(|gene| format!("G{gene}")).collect(),
            types: types.iter().map(ToString::to_string).collect(),
            ..TenxFeatures::default()
        }
    }

    fn note(types: &[&str], gex_only: bool) -> String {
        let options = ReadOptions {
            gex_only,
            ..ReadOptions::default()
        };
        let selected = features(types).select("x", &options);
        selected.map_or_else(
            |error| error.to_string(),
            |selected| selected.note.unwrap_or_default(),
        )
    }

    #[test]
    fn what_is_left_out_is_said() {
        let types = [
            "Gene Expression",
            "Antibody Capture",
            "",
            "Antibody Capture",
        ];
        assert_eq!(note(&types, true), "2 genes; left out: 2 Antibody Capture");
        let all = "4 features, of them 2 Antibody Capture; left out: nothing";
        assert_eq!(note(&types, false), all);
        assert_eq!(note(&["GEX", "ADT"], true), "1 genes; left out: 1 ADT");
    }

    #[test]
    fn biotypes_select_nothing_and_peaks_alone_are_refused() {
        assert_eq!(note(&["protein_coding", "lncRNA"], true), "");
        assert!(note(&["Peaks", "Peaks"], true).contains("the file holds: Peaks"));
    }

    #[test]
    fn genomes_are_counted_and_told_by_prefix() {
        let mut both = features(&["", ""]);
        both.names = ["hg19_CD3D", "mm10_Cd3d"].map(str::to_owned).to_vec();
        let of = |genome: &str| ReadOptions {
            genome: Some(genome.to_owned()),
            ..ReadOptions::default()
        };
        assert_eq!(both.select("x", &of("mm10")).expect("one").features, [1]);
        assert!(both.select("x", &of("hg38")).is_err());
        both.genomes = ["hg19", "mm10"].map(str::to_owned).to_vec();
        let all = both.select("x", &ReadOptions::default()).expect("both");
        let expected =
            "2 genes; left out: nothing; of 2 genomes: 1 hg19, 1 mm10 (-genome NAME reads one)";
        assert_eq!(all.note.as_deref(), Some(expected));
        both.genomes[1] = String::new();
        let all = both.select("x", &ReadOptions::default()).expect("both");
        assert_eq!(all.note, None);
        let one = both.select("x", &of("hg19")).expect("one");
        let expected = "1 genes; left out: 1 of no genome";
        assert_eq!(one.note.as_deref(), Some(expected));
        let error = both.select("x", &of("hg38")).expect_err("no such genome");
        assert!(
            error.to_string().ends_with("the file holds: hg19"),
            "{error}"
        );
    }

    #[test]
    fn tags_among_genes_are_noted() {
        let names = ["ADTRP", "CD3D", "ABCA1", "HTO-1", "CD4_TotalSeqB"].map(str::to_owned);
        assert!(note_on_tags(&names[..3]).is_none());
        assert!(note_on_tags(&names).is_some_and(|note| note.starts_with("2 of the genes")));
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!(
            [7, 999, 1000, 33_538, 1_000_000].map(grouped).join(" "),
            "7 999 1,000 33,538 1,000,000"
        );
    }
}
