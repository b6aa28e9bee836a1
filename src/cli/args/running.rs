//! Arguments of commands that purge.

use std::ffi::OsStr;
use std::str::FromStr as _;
use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Args, Command};

use super::duration;
use crate::plan::CheckName;
use crate::plan::checks::Force;

/// Which limits a plan may exceed.
#[derive(Debug, Clone, Default, Args)]
pub struct Forcing {
    /// Exceed the limit of a safety check, for all endpoints or one, as in `--force=max-urls:www`
    #[arg(long = "force", value_name = "CHECK[:ENDPOINT]", value_parser = ForceParser)]
    pub forces: Vec<Force>,
}

/// Options of commands that purge.
#[derive(Debug, Args)]
pub struct Running {
    /// Also in `plan`.
    #[command(flatten)]
    pub forcing: Forcing,
    /// Submit, and leave the waiting to the next run
    #[arg(long, conflicts_with = "timeout")]
    pub no_wait: bool,
    /// How long submitting and waiting for the CDN may take together, e.g. `90s`, `10m`; overrides
    /// `poll.timeout`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// How long to wait for another writer of the state
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub lock_timeout: Duration,
}

/// Parses a force. Shells complete the checks.
#[derive(Clone)]
struct ForceParser;

impl TypedValueParser for ForceParser {
    type Value = Force;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Force, clap::Error> {
        Force::from_str.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let checks = CheckName::ALL.into_iter();
        Some(Box::new(
            checks.map(|check| PossibleValue::new(check.as_str())),
        ))
    }
}

/// How long to wait for another writer of the state: the time to submit a few hundred requests. No
/// run holds the lock while waiting for a CDN.
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
