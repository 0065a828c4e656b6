//! The least training that there is, for tests of all that is around it.

/// Options of a run; without `-quiet`.
pub const SHORT: [&str; 8] = [
    "-training_epoch",
    "1",
    "-clustering_epoch",
    "0",
    "-n_hvg",
    "20",
    "-n_neighbors",
    "5",
];
