//! Arguments of `state`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{DocumentFormat, duration};

/// Arguments of `state`.
#[derive(Debug, Args)]
pub struct State {
    /// What to do with it.
    #[command(subcommand)]
    pub action: StateAction,
}

/// What can be done with the state.
#[derive(Debug, Subcommand)]
pub enum StateAction {
    /// Take everything as purged that is declared now, without purging it
    Baseline(Baseline),
    /// List what is recorded of entries: outcome, address and generation
    List(StateEntries),
    /// Show all that is recorded of an entry
    Show(StateEntry),
    /// Forget entries; what is still declared is purged again
    Rm(StateRemove),
    /// Take the lock away from a run that cannot give it back
    Unlock(Unlock),
}

/// Arguments of `state baseline`.
#[derive(Debug, Default, Args)]
pub struct Baseline {
    /// Only entries with this address, as for `plan --target`; all by default
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Ask the edges first, and take only what they are proven to serve as declared
    #[arg(long)]
    pub verify: bool,
}

/// Arguments of `state list`.
#[derive(Debug, Args)]
pub struct StateEntries {
    /// Only entries with this address, as for `plan --target`; all by default
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// How to print them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

/// Arguments of `state show`.
#[derive(Debug, Args)]
pub struct StateEntry {
    /// The entry, as `state list` prints it
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

/// Arguments of `state rm`.
#[derive(Debug, Args)]
pub struct StateRemove {
    /// Entries with this address, as for `plan --target`
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
    /// Do not ask; needed where nobody can be asked
    #[arg(long, visible_alias = "yes")]
    pub auto_approve: bool,
    /// How long to wait for another writer of the state
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub lock_timeout: Duration,
}

/// Arguments of `state unlock`.
#[derive(Debug, Args)]
pub struct Unlock {
    /// The lock, as the message about it names it
    #[arg(value_name = "ID")]
    pub id: u64,
    /// Do not ask; needed where nobody can be asked
    #[arg(long, visible_alias = "yes")]
    pub auto_approve: bool,
    /// Take it away even from a process that runs
    #[arg(long)]
    pub force: bool,
}
