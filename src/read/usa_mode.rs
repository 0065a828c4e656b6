//! Matrices of alevin-fry's USA mode, which counts every gene three times: its spliced, unspliced and ambiguous molecules.
//!
//! He et al. 2022, doi:10.1038/s41592-022-01408-3. Spliced and ambiguous molecules are summed, as fishpond's `loadFry` and
//! pyroe's `load_fry` do by default.

use super::selected::NONE;

/// What the user has to know of it.
pub(super) const NOTE: &str = "alevin-fry counted each gene three times (USA mode): its spliced and ambiguous molecules are \
     summed, and its unspliced ones left out; for nuclei, which need them, load the folder in R with fishpond, \
     loadFry(FOLDER, outputFormat = \"snRNA\"), and write the counts of that";

/// Whether names are those of genes, then the same with `-U` and the same with `-A` at their ends.
pub(super) fn is_of(names: &[String]) -> bool {
    let n_genes = names.len() / 3;
    let (spliced, others) = names.split_at(n_genes);
    let (unspliced, ambiguous) = others.split_at(n_genes);
    let are_genes = |names: &[String], ending: &str| {
        let mut pairs = spliced.iter().zip(names);
        pairs.all(|(gene, name)| name.strip_suffix(ending) == Some(gene.as_str()))
    };
    n_genes > 0
        && ambiguous.len() == n_genes
        && are_genes(unspliced, "-U")
        && are_genes(ambiguous, "-A")
}

/// Where the counts of all columns go, given where those of spliced molecules do.
pub(super) fn positions(spliced: &[u32]) -> Vec<u32> {
    let unspliced = vec![NONE; spliced.len()];
    [spliced, unspliced.as_slice(), spliced].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_with_their_endings_tell() {
        let is_usa = |names: &str| {
            let names = names.split_whitespace().map(str::to_owned);
            is_of(&names.collect::<Vec<_>>())
        };
        assert!(is_usa("HLA-A TP53 HLA-A-U TP53-U HLA-A-A TP53-A"));
        for names in [
            "",
            "HLA-A TP53 GAPDH",
            "TP53 TP53-U",
            "TP53 TP53-U TP53-A GAPDH",
            "HLA-A TP53 TP53-U HLA-A-U HLA-A-A TP53-A",
            "TP53 TP53-A TP53-U",
        ] {
            assert!(!is_usa(names), "{names}");
        }
        assert_eq!(
            positions(&[0, NONE, 1]),
            [0, NONE, 1, NONE, NONE, NONE, 0, NONE, 1]
        );
    }
}
