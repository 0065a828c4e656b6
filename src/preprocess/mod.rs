//! From raw counts to what the model sees: filter, normalise, choose genes, scale.
