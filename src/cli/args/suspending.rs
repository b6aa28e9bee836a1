//! Arguments of `suspend` and `resume`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::Moment;

/// Arguments of `suspend`.
#[derive(Debug, Args)]
pub struct Suspend {
    /// The manifest: `purge/NAME` or `site/NAME`
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// Why, for who reads the manifest or the status
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: Option<String>,
    /// When it ends by itself: a date, an RFC 3339 time, or a duration from now, e.g. `36h`
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Moment>,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The manifest: `purge/NAME` or `site/NAME`
    #[arg(value_name = "ADDRESS")]
    pub address: String,
}
