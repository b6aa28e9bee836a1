//! Arguments of `history`, `doctor` and `verify`.

use clap::{Args, ValueEnum};

use super::{DocumentFormat, Moment};
use crate::reconcile::Inquiry;

/// Arguments of `history`.
#[derive(Debug, Args)]
pub struct History {
    /// Only runs since then: a date, an RFC 3339 time, or a duration before now, e.g. `7d`
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Moment>,
    /// Only runs with an entry of this address, as for `plan --target`, and these entries
    #[arg(long = "address", value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// How to print them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// How to print what was found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

/// How many entries the edges are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Extent {
    /// All that are selected
    All,
    /// Of each endpoint as many as `verify.sample` says
    Sample,
}

impl Extent {
    /// As typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Sample => "sample",
        }
    }

    /// What is asked then, as long as no plan was approved.
    pub fn inquiry(self) -> Inquiry {
        match self {
            Self::All => Inquiry::All,
            Self::Sample => Inquiry::Sample,
        }
    }
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Only entries with this address, as for `plan --target`, and then all of them; by default a
    /// sample
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// List what is proven fresh too
    #[arg(long)]
    pub all: bool,
    /// How to print what was found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}
