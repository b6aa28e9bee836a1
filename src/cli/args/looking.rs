//! Arguments of `history`, `doctor` and `verify`.

use clap::{Args, ValueEnum};

use super::{DocumentFormat, Moment};
use crate::reconcile::Inquiry;

#[derive(Debug, Args)]
pub struct History {
    /// Only runs since then: a date, an RFC 3339 time, or a duration before now, e.g. `7d`
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Moment>,
    /// Only runs with these entries, as for `plan --target`
    #[arg(long = "address", value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// How to print them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// How to print the findings
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

/// Which entries the edges are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Extent {
    /// All that are selected
    All,
    /// Of each endpoint as many as `verify.sample` says
    Sample,
}

impl Extent {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Sample => "sample",
        }
    }

    pub fn inquiry(self) -> Inquiry {
        match self {
            Self::All => Inquiry::All,
            Self::Sample => Inquiry::Sample,
        }
    }
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Only these entries, as for `plan --target`, and all of them; by default a sample
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Also list what is proven fresh
    #[arg(long)]
    pub all: bool,
    /// How to print the findings
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}
