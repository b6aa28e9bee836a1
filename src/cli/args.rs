//! What can be typed. Arguments only; what they mean together is decided by each command.

mod commenting;
mod emulating;
mod looking;
mod moment;
mod running;
mod schema;
mod state;
mod suspending;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::emulator;
use crate::exit::Exit;
use crate::output::markdown::Limit;
use crate::plan::id::Expected;
pub use commenting::Comment;
pub use emulating::{Demo, Emulator, Init};
pub use looking::{Doctor, Extent, History, Verify};
pub use moment::Moment;
pub use running::{Forcing, LOCK_TIMEOUT, Running};
pub use schema::{Schema, SchemaDocument};
pub use state::{Baseline, State, StateAction, StateEntries, StateEntry, StateRemove, Unlock};
pub use suspending::{Resume, Suspend};

/// The version, with commit and target; see `build.rs`.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("PURGIT_BUILD"), ")");

/// GitOps for CDN caches: declare what must be fresh, review the purge, make the edge catch up
#[derive(Debug, Parser)]
#[command(
    name = "purgit",
    bin_name = "purgit",
    version = VERSION,
    max_term_width = 100,
    after_help = Exit::help()
)]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options before or behind any command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Run as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// When to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true)]
    pub color: Color,
    /// Print errors and data only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log to stderr: requests (-v), with headers and sizes (-vv), what libraries do (-vvv)
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// How log lines look
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        global = true,
        env = "PURGIT_LOG_FORMAT"
    )]
    pub log_format: LogFormat,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented `purgit.yaml` for a CDN, and an example; never overwrites
    Init(Init),
    /// Check the manifests, without network or credentials
    Validate(Validate),
    /// Show what `apply` would purge, without network or credentials
    Plan(Plan),
    /// Purge what changed, wait for the CDN, write state and status back
    Apply(Apply),
    /// Show the plan in a comment on the pull or merge request, one that is kept up to date
    Comment(Comment),
    /// Ask the edges what users get, and purge nothing; ends with 3 when something is stale
    Verify(Verify),
    /// Keep applying: purge what changes, when it changes
    Watch(Watch),
    /// Show how entries and manifests stand
    Status(Status),
    /// Show what past runs did: what, when, by whom, from which commit
    History(History),
    /// Manage the record of what was purged
    State(State),
    /// Check what a run needs: manifests, credentials, clock, connection, endpoint, quota, lock
    Doctor(Doctor),
    /// Purge URLs now, through the endpoint that serves their host
    Purge(Purge),
    /// Leave a manifest alone: neither purge nor forget its entries
    Suspend(Suspend),
    /// End the suspension of a manifest
    Resume(Resume),
    /// Run a strict local CDN API with a caching edge
    #[command(after_help = emulator::help())]
    Emulator(Emulator),
    /// A guided tour on the embedded emulator: no network, no set-up, under 10 s
    Demo(Demo),
    /// Print a JSON schema (draft-07)
    Schema(Schema),
    /// Print a completion script
    Completions(Completions),
    /// Print the manual page, in roff
    Man,
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// How to print problems
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: ProblemFormat,
}

/// How to print problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProblemFormat {
    /// With the source and a hint
    #[default]
    Human,
    /// One JSON document
    Json,
    /// Annotations for GitHub Actions
    Github,
    /// A code-quality report for GitLab
    Gitlab,
}

/// How to print a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DocumentFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// How to print a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PlanFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For pull requests
    Markdown,
}

/// Least `--max-chars`: what is never left out has no more.
const MIN_MARKDOWN_CHARS: u64 = 2000;

/// What `plan` and `apply` share.
#[derive(Debug, Default, Args)]
pub struct Selecting {
    /// Compare with this git revision instead of the state: manifests and content as they were
    /// then, read from git
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// Compare up to this git revision instead of the files on disk
    #[arg(long, value_name = "REV", requires = "since")]
    pub to: Option<String>,
    /// Only entries with this address: an address, the front of one up to a `/`, `*` for any text
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<String>,
    /// Not the entries with this address
    #[arg(long = "exclude", value_name = "ADDRESS")]
    pub excludes: Vec<String>,
    /// Ask the edges first, of all entries or a `sample`: what they serve stale is purged too, and what
    /// is new and fresh already is not
    #[arg(
        long,
        value_enum,
        value_name = "ENTRIES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub verify: Option<Extent>,
    /// Also write the plan as JSON to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json_into: Option<PathBuf>,
    /// List every change and every check, in full
    #[arg(long)]
    pub all: bool,
    /// Write how it ended as variables to this file, for `artifacts:reports:dotenv` of GitLab
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dotenv: Option<PathBuf>,
    /// End with 2 when there are changes, or something was changed
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Default, Args)]
pub struct Plan {
    /// What `apply` has too.
    #[command(flatten)]
    pub selecting: Selecting,
    /// How to print the plan
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: PlanFormat,
    /// Longest Markdown, in characters; what does not fit is left out and counted
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = RangedU64ValueParser::<usize>::new().range(MIN_MARKDOWN_CHARS..),
        default_value_t = Limit::COMMENT.amount()
    )]
    pub max_chars: usize,
    /// Tell all there is about one entry instead: its address, or its URL
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["json_into", "out", "terraform_report", "detailed_exitcode"])]
    pub explain: Option<String>,
    /// What `apply` has too.
    #[command(flatten)]
    pub forcing: Forcing,
    /// Ask CDNs that can be asked what is left of their quotas, as `apply` does; this needs network and credentials
    #[arg(long, conflicts_with = "explain")]
    pub refresh_quota: bool,
    /// Save the plan to this file, for `apply --plan`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Also write the counts to this file, for `artifacts:reports:terraform` of GitLab
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub terraform_report: Option<PathBuf>,
}

/// Arguments of `apply`.
#[derive(Debug, Default, Args)]
pub struct Apply {
    /// What `plan` has too.
    #[command(flatten)]
    pub selecting: Selecting,
    /// How to print plan and outcome
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
    /// What `purge` has too.
    #[command(flatten)]
    pub running: Running,
    /// Carry out the plan that `plan --out` saved in this file; anything else is refused
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// Carry out the plan with this id; anything else is refused. The first 12 digits are enough
    #[arg(long, value_name = "ID")]
    pub expect_plan: Option<Expected>,
    /// Do not ask the edges afterwards what users get
    #[arg(long)]
    pub no_verify: bool,
    /// Do not ask before purging; without a terminal nothing is ever asked
    #[arg(long)]
    pub auto_approve: bool,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// How long files must be quiet before changes are acted on; a stream of changes is acted on
    /// after ten times as long
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "300ms")]
    pub debounce: Duration,
    /// How often to look at everything, whatever the file system told
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5m")]
    pub rescan: Duration,
    /// Look at everything this often, instead of asking the file system to tell about changes
    #[arg(
        long,
        value_name = "INTERVAL",
        value_parser = duration,
        num_args = 0..=1,
        require_equals = false,
        default_missing_value = "2s"
    )]
    pub poll: Option<Duration>,
    /// How to tell about runs: a line on stderr, or also a JSON object a line on stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Ask the CDN about pending tasks first
    #[arg(long)]
    pub refresh: bool,
    /// How long to wait for another writer of the state
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s", requires = "refresh")]
    pub lock_timeout: Duration,
    /// List every entry, also those that are as declared
    #[arg(long)]
    pub all: bool,
    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

/// Arguments of `purge`.
#[derive(Debug, Default, Args)]
pub struct Purge {
    /// URLs to purge; one that ends in `/` is a directory
    #[arg(
        required_unless_present_any = ["tags", "hosts", "everything"],
        value_name = "URL",
        value_hint = ValueHint::Url
    )]
    pub urls: Vec<String>,
    /// Purge everything with this cache tag (surrogate key)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Purge everything of this host
    #[arg(long = "host", value_name = "HOST")]
    pub hosts: Vec<String>,
    /// Purge all that the endpoint serves
    #[arg(long, requires = "endpoint")]
    pub everything: bool,
    /// Purge URLs that end in `/` as the one file they name
    #[arg(long)]
    pub as_files: bool,
    /// Spend what `limits.reserve` keeps for emergencies
    #[arg(long)]
    pub urgent: bool,
    /// The endpoint, where it cannot be told from the host
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    /// How to wait and what to force.
    #[command(flatten)]
    pub running: Running,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    pub shell: clap_complete::Shell,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| match text.trim().parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number > 0.0 => {
            format!("it has no unit; write `{number}s` for seconds, `{number}m` for minutes")
        }
        Ok(_) | Err(_) => {
            "write a whole number with a unit, as in `90s`, `10m` or `1h30m`".to_owned()
        }
    })
}
