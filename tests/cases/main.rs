//! Inputs that went wrong for users of this and other programs, recreated from public reports, each with what is right.
//!
//! | report | what went wrong | test |
//! | --- | --- | --- |
//! | scverse/scanpy#2329, scverse/scanpy#65 | genes in rows are clustered as cells | `tables::genes_in_rows_are_refused`, `tables::a_turned_h5ad_is_refused` |
//! | satijalab/seurat#1125, showteeth/GEfetch2R#9, #10 | a first column of numbers becomes a gene, `Length` a cell | `tables::a_first_column_of_numbers_is_names`, `tables::lengths_and_clusters_are_neither_cells_nor_genes` |
//! | satijalab/seurat#1125 | lines that start with # before the header | `tables::comments_before_the_header_are_passed_over` |
//! | Teichlab/celltypist#62, nf-core/scrnaseq#468 | antibodies of an .h5ad are clustered with the genes | `features::antibodies_are_left_out_of_an_h5ad` |
//! | scverse/anndata#726 | 'nan' and '' are scored as cell types | `labels::labels_that_say_that_there_is_none_are_not_scored` |
//! | scverse/scanpy#1172 | NaN in X is read as 0 without a word | `values::nan_is_refused_with_its_places` |
//! | SoupX#63, CellBender#452 | corrected counts are called normalised | `values::corrected_counts_are_named_and_rounded` |
//! | DropletUtils#54, signac#328 | empty droplets are clustered with the cells | `droplets::empty_droplets_are_noted_and_left_out` |
//! | nf-core/spatialvi#121 | one sample's outputs replace another's | `names::samples_are_called_by_their_folders`, `names::results_of_another_input_are_not_replaced` |
//! | scverse/scanpy#55 | joined by name, labels of equal barcodes go wrong | `names::equal_barcodes_are_numbered_over_all_cells` |
//! | scverse/anndata#59, scverse/mudata#145 | loom and h5mu are not read | `formats::loom_is_read`, `formats::h5mu_is_read` |
//! | everyday mistakes | R objects, archives, web pages, pointers … | `formats::files_of_other_formats_are_named` |
//! | igrabski/sc-SHC#16, scverse/rapids-singlecell#98 | one type falls into clusters | `labels::one_type_is_one_cluster` |

#[path = "../common/mod.rs"]
mod common;

mod droplets;
mod features;
mod formats;
mod joined;
mod labels;
mod names;
mod sample;
mod tables;
mod values;
