//! What the user decides about clusters.

use strum::{EnumString, IntoStaticStr, VariantNames};

/// How many clusters there are to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolution {
    /// As Leiden finds at this resolution, above 0.
    Fixed(f64),
    /// As the tree of fine clusters has when it is cut so.
    Tree(Cut),
}

/// What the graph that Leiden clusters is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum LeidenGraph {
    /// The embedding's nearest neighbours.
    Embedding,
    /// The expression, seen after three transformations.
    Expression,
    /// Both, the embedding weighing as much as each transformation.
    Joint,
    /// The published one: the dense gauss graph of the embedding.
    Dense,
}

impl LeidenGraph {
    /// Whether it holds the graph of the expression.
    #[must_use]
    pub fn holds_expression(self) -> bool {
        matches!(self, Self::Expression | Self::Joint)
    }
}

/// How much evidence a split needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Granularity {
    /// More than usual: major cell types.
    Coarse,
    /// As much as parts the types of labelled data sets.
    Auto,
    /// Less than usual: subtypes and states.
    Fine,
}

/// Where the tree is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Where the evidence ends.
    Evidence(Granularity),
    /// At this number of clusters.
    Clusters(usize),
}
