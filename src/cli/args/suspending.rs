//! Arguments of `suspend` and `resume`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::Moment;

#[derive(Debug, Args)]
pub struct Suspend {
    /// The manifest: `purge/NAME` or `site/NAME`
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// The reason, shown in the manifest and the status
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: Option<String>,
    /// When it ends: a date, an RFC 3339 time, or a duration from now, e.g. `36h`
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Moment>,
}

#[derive(Debug, Args)]
pub struct Resume {
    /// The manifest: `purge/NAME` or `site/NAME`
    #[arg(value_name = "ADDRESS")]
    pub address: String,
}
