//! Arguments of commands that purge.

use std::time::Duration;

use clap::Args;

use super::duration;
use crate::plan::checks::Force;

/// Which limits a plan may go over.
#[derive(Debug, Clone, Default, Args)]
pub struct Forcing {
    /// Go over the limit of a safety check: `max-change-percent`, `max-urls`, `max-directories`,
    /// `quota` or `empty-source`, for all endpoints or one
    #[arg(long = "force", value_name = "CHECK[:ENDPOINT]", require_equals = true)]
    pub forces: Vec<Force>,
}

/// What commands that purge share.
#[derive(Debug, Args)]
pub struct Running {
    /// What `plan` has too.
    #[command(flatten)]
    pub forcing: Forcing,
    /// Submit and leave the waiting to the next run
    #[arg(long, conflicts_with = "timeout")]
    pub no_wait: bool,
    /// How long submitting and waiting for the CDN may take together, e.g. `90s`, `10m`; replaces
    /// `poll.timeout`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// How long to wait for another writer of the state
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub lock_timeout: Duration,
}

/// How long to wait for another writer of the state: as long as it takes to submit a few hundred
/// requests. Nobody holds it while waiting for a CDN.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

impl Default for Running {
    fn default() -> Self {
        Self {
            forcing: Forcing::default(),
            no_wait: false,
            timeout: None,
            lock_timeout: LOCK_TIMEOUT,
        }
    }
}
