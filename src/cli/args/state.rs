//! Arguments of `state`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{DocumentFormat, duration};

#[derive(Debug, Args)]
pub struct State {
    #[command(subcommand)]
    pub action: StateAction,
}

#[derive(Debug, Subcommand)]
pub enum StateAction {
    /// Record everything declared now as purged, without purging it
    Baseline(Baseline),
    /// List the recorded entries: outcome, address and generation
    List(StateEntries),
    /// Show everything recorded about an entry
    Show(StateEntry),
    /// Forget entries; those still declared are purged again
    Rm(StateRemove),
    /// Remove the lock of a run that cannot release it
    Unlock(Unlock),
}

#[derive(Debug, Default, Args)]
pub struct Baseline {
    /// Only these entries, as for `plan --target`; all by default
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Ask the edges first, and take only what they are proven to serve as declared
    #[arg(long)]
    pub verify: bool,
}

#[derive(Debug, Args)]
pub struct StateEntries {
    /// Only these entries, as for `plan --target`; all by default
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// How to print them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

#[derive(Debug, Args)]
pub struct StateEntry {
    /// The entry, as `state list` prints it
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

#[derive(Debug, Args)]
pub struct StateRemove {
    /// The entries, as for `plan --target`
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
    /// Do not ask; required without a terminal
    #[arg(long, visible_alias = "yes")]
    pub auto_approve: bool,
    /// How long to wait for another writer of the state
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub lock_timeout: Duration,
}

#[derive(Debug, Args)]
pub struct Unlock {
    /// The lock's number, from the message about it
    #[arg(value_name = "ID")]
    pub id: u64,
    /// Do not ask; required without a terminal
    #[arg(long, visible_alias = "yes")]
    pub auto_approve: bool,
    /// Remove it even from a running process
    #[arg(long)]
    pub force: bool,
}
