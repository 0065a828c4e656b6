//! The attention autoencoder: its layers, how it embeds cells, and the losses it learns from.

pub mod attention;
pub mod autoencoder;
pub mod contrast;
pub mod decoder;
pub mod embedding;
pub mod graph_conv;
pub mod graph_loss;
pub mod landmarks;
pub mod layers;
pub mod noise;
pub mod parameters;
pub mod pass;
pub mod reconstruction;

use std::{fmt, str::FromStr};

use crate::kernels::HIDDEN_WIDTH;

/// Width of the first hidden layer.
pub const WIDTH_1: usize = HIDDEN_WIDTH;

/// Width of the second hidden layer.
pub const WIDTH_2: usize = 64;

/// The autoencoder's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelConfig {
    /// Width of the embedding, d, at least 2.
    pub n_z: usize,
    /// Number of attention heads, h, at least 1.
    pub n_heads: usize,
    /// What the network is made of and learns from.
    pub parts: Parts,
}

/// What the network is made of and learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent parts")]
pub struct Parts {
    /// Every cell gathers from others by multi-head attention.
    pub attention: bool,
    /// The graph branch: convolutions along the cell graph, its loss, and the queries of the attention. Without it,
    /// queries come from the encoder itself.
    pub graph: bool,
    /// The likelihood of the raw counts.
    pub zinb: bool,
    /// The embedding starts from the shared components of the views, r: z₀ = r + `z_layer`(e₂).
    ///
    /// `z_layer` starts at 0, and what attention adds is multiplied by learnt gates that start at 0, so that training
    /// begins at r and leaves it only where that lowers the loss (Bachlechner et al. 2021, arXiv:2003.04887).
    pub residual: bool,
    /// The contrast of neighbours.
    pub contrast: bool,
}

impl Parts {
    /// Those of the published method.
    pub const PUBLISHED: Self = Self {
        attention: true,
        graph: true,
        zinb: true,
        residual: false,
        contrast: false,
    };

    /// The name of each part, and whether it is there.
    fn named(self) -> [(&'static str, bool); 5] {
        [
            ("zinb", self.zinb),
            ("graph", self.graph),
            ("attention", self.attention),
            ("residual", self.residual),
            ("contrast", self.contrast),
        ]
    }

    /// All that there are.
    pub const ALL: Self = Self {
        attention: true,
        graph: true,
        zinb: true,
        residual: true,
        contrast: true,
    };
}

impl fmt::Display for Parts {
    /// The parts that are there, separated by commas.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = self.named().into_iter().filter(|(_, there)| *there);
        let names: Vec<&str> = there.map(|(name, _)| name).collect();
        formatter.write_str(&names.join(","))
    }
}

impl FromStr for Parts {
    type Err = String;

    /// Names of parts in any order and case, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = Self {
            attention: false,
            graph: false,
            zinb: false,
            residual: false,
            contrast: false,
        };
        for name in text.split(',') {
            let part = match name.trim().to_ascii_lowercase().as_str() {
                "zinb" => &mut parts.zinb,
                "graph" => &mut parts.graph,
                "attention" => &mut parts.attention,
                "residual" => &mut parts.residual,
                "contrast" => &mut parts.contrast,
                _ => {
                    return Err(
                        "must be some of zinb, graph, attention, residual, contrast, with commas between".to_owned(),
                    );
                }
            };
            *part = true;
        }
        if parts.zinb || parts.graph || parts.contrast {
            Ok(parts)
        } else {
            Err("must hold zinb, graph or contrast, which the network learns from".to_owned())
        }
    }
}
