//! Marker genes of the clusters.

use super::Run;
use crate::{
    markers::{Marker, find_markers_among},
    preprocess::{Passed, Prepared},
};

impl Run<'_> {
    /// Each cluster's marker genes, where they are asked for.
    pub(super) fn markers(
        &mut self,
        passed: &Passed<'_>,
        prepared: &Prepared,
        labels: &[usize],
    ) -> anyhow::Result<Option<Vec<Vec<Marker>>>> {
        if !self.config.save.markers && !self.config.save.report {
            return Ok(None);
        }
        self.stage("markers", "Finding marker genes");
        let most = self.config.n_markers;
        let takes_part = |gene| passed.holds_gene(gene);
        let markers = find_markers_among(passed, prepared, labels, most, takes_part)?;
        if markers.len() < 2 {
            self.progress
                .note("a single cluster has no marker genes: there is nothing to compare it with");
        } else if prepared.batches.is_some() {
            self.say_what_has_no_markers(&markers);
        }
        Ok(Some(markers))
    }

    /// Tells which clusters no batch shares with others.
    fn say_what_has_no_markers(&self, markers: &[Vec<Marker>]) {
        let alone = markers.iter().enumerate();
        let alone = alone.filter(|(_, markers)| markers.is_empty());
        let alone: Vec<String> = alone.map(|(cluster, _)| cluster.to_string()).collect();
        if !alone.is_empty() {
            self.progress.note(&format!(
                "no marker genes of cluster {}: markers are found within batches, and no batch holds cells of it and \
                 of another cluster; a run without -batch_key compares it over all cells",
                alone.join(", ")
            ));
        }
    }
}
