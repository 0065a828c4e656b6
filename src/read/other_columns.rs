//! Columns and rows of a table that are neither cells nor genes.

/// What such a column says of genes, in small letters without what is not a letter or a digit.
const OF_GENES: [&str; 34] = [
    "biotype",
    "chr",
    "chrom",
    "chromosome",
    "chromosomename",
    "description",
    "end",
    "endposition",
    "ensembl",
    "ensemblgeneid",
    "ensemblid",
    "entrez",
    "entrezgene",
    "entrezgeneid",
    "entrezid",
    "featuretype",
    "featuretypes",
    "genebiotype",
    "geneid",
    "geneids",
    "genelength",
    "genename",
    "genenames",
    "geneshortname",
    "genesymbol",
    "genesymbols",
    "genetype",
    "hgncsymbol",
    "length",
    "mgisymbol",
    "start",
    "startposition",
    "strand",
    "symbol",
];

/// What such a column says of cells, written likewise.
const OF_CELLS: [&str; 62] = [
    "annotation",
    "assignedcluster",
    "barcode",
    "barcodes",
    "batch",
    "cellannotation",
    "cellbarcode",
    "cellid",
    "cellindex",
    "celllabel",
    "celllabels",
    "cellname",
    "cellontologyclass",
    "celltype",
    "celltypes",
    "class",
    "cluster",
    "clusterid",
    "clusters",
    "condition",
    "donor",
    "donorid",
    "doubletscore",
    "g2mscore",
    "groundtruth",
    "group",
    "label",
    "labels",
    "leiden",
    "louvain",
    "mitopercent",
    "ncount",
    "ncountrna",
    "ncounts",
    "nfeature",
    "nfeaturerna",
    "nfeatures",
    "ngene",
    "ngenes",
    "ngenesbycounts",
    "numi",
    "numis",
    "origident",
    "patient",
    "patientid",
    "pctcountsmt",
    "percentmito",
    "percentmt",
    "percentribo",
    "phase",
    "plate",
    "plateid",
    "predictedlabels",
    "sample",
    "sampleid",
    "seuratclusters",
    "species",
    "sscore",
    "tissue",
    "totalcounts",
    "totalumis",
    "treatment",
];

/// What counting programs write below the genes: reads that belong to none.
const OF_NO_GENE: [&str; 11] = [
    "__alignment_not_unique",
    "__ambiguous",
    "__no_feature",
    "__not_aligned",
    "__too_low_aQual",
    "N_ambiguous",
    "N_multimapping",
    "N_noFeature",
    "N_unmapped",
    "no_feature",
    "alignment_not_unique",
];

/// Whether a title is that of a column, or a row, that is neither a cell nor a gene.
pub(super) fn is_other(title: &str) -> bool {
    let plain = plain(title);
    OF_GENES.contains(&plain.as_str())
        || OF_CELLS.contains(&plain.as_str())
        || OF_NO_GENE.contains(&title)
        || is_coordinate(&plain)
}

/// `umap1`, `tsne2`: an axis of a drawing.
fn is_coordinate(plain: &str) -> bool {
    let name = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    name.len() < plain.len() && matches!(name, "umap" | "tsne" | "wnnumap" | "pca")
}

/// Small letters and digits alone.
pub(super) fn plain(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_lengths_and_clusters_are_no_genes_and_no_cells() {
        for title in [
            "Length",
            "Chr",
            "nCount_RNA",
            "percent.mt",
            "cell type",
            "UMAP_1",
        ] {
            assert!(is_other(title), "{title}");
        }
        for title in [
            "GAPDH",
            "MT-CO1",
            "STAR",
            "CLU",
            "SET",
            "Gad1",
            "AAACCTGAGAAACCAT-1",
            "c0",
        ] {
            assert!(!is_other(title), "{title}");
        }
    }

    #[test]
    fn reads_of_no_gene_are_no_gene() {
        assert!(is_other("__no_feature") && is_other("N_unmapped"));
    }
}
