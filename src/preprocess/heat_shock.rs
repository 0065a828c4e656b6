//! Genes that heat shock switches on, and so does taking tissue apart.

/// A gene and the numbers of its Ensembl ids, in human and in mouse where it is there.
struct Gene(&'static str, u64, Option<u64>);

/// Chaperones and their helpers that cells make at once when they are heated (Mahat et al. 2016,
/// doi:10.1016/j.molcel.2016.02.025), many of them also when tissue is dissociated (van den Brink et al. 2017,
/// doi:10.1038/nmeth.4437).
const GENES: [Gene; 17] = [
    Gene("BAG3", 151_929, Some(30_847)),
    Gene("CACYBP", 116_161, Some(14_226)),
    Gene("CHORDC1", 110_172, Some(1_774)),
    Gene("DNAJA1", 86_061, Some(28_410)),
    Gene("DNAJB1", 132_002, Some(5_483)),
    Gene("DNAJB4", 162_616, Some(28_035)),
    Gene("HSP90AA1", 80_824, Some(21_270)),
    Gene("HSP90AB1", 96_384, Some(23_944)),
    Gene("HSPA1A", 204_389, Some(91_971)),
    Gene("HSPA1B", 204_388, Some(90_877)),
    Gene("HSPA6", 173_110, None),
    Gene("HSPA8", 109_971, Some(15_656)),
    Gene("HSPB1", 106_211, Some(4_951)),
    Gene("HSPD1", 144_381, Some(25_980)),
    Gene("HSPE1", 115_541, Some(73_676)),
    Gene("HSPH1", 120_694, Some(29_657)),
    Gene("ZFAND2A", 178_381, Some(53_581)),
];

const HUMAN: &str = "ENSG";
const MOUSE: &str = "ENSMUSG";

/// Whether a gene of this symbol (in small or capital letters), or of this Ensembl id (with or without its version), is one of
/// those.
pub(super) fn is_heat_shock(name: &str) -> bool {
    let id_of = |species: &str| -> Option<u64> {
        let number = name.strip_prefix(species)?;
        number.split('.').next()?.parse().ok()
    };
    let (human, mouse) = (id_of(HUMAN), id_of(MOUSE));
    GENES.iter().any(|&Gene(symbol, in_human, in_mouse)| {
        name.eq_ignore_ascii_case(symbol)
            || human == Some(in_human)
            || (mouse.is_some() && mouse == in_mouse)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_and_ids_of_human_and_mouse() {
        for name in [
            "HSPA1A",
            "Hspa1a",
            "ENSG00000204389",
            "ENSG00000204389.3",
            "ENSMUSG00000091971",
        ] {
            assert!(is_heat_shock(name), "{name}");
        }
    }

    #[test]
    fn other_genes() {
        for name in [
            "",
            "HSPG2",
            "HSPA1",
            "ENSG00000091971",
            "ENSMUSG00000204389",
            "ENSMUSG",
            "ENSG.204389",
            "204389",
            "gene_204389",
        ] {
            assert!(!is_heat_shock(name), "{name}");
        }
    }
}
