//! The command line's arguments. Each command decides what they mean together.

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
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// Options before or after any command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Run as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true)]
    pub color: Color,
    /// Print errors and data only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log to stderr: requests (-v), with headers and sizes (-vv), what libraries do (-vvv)
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Format of log lines
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

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
    /// Show the plan in one comment on the pull or merge request, and keep it up to date
    Comment(Comment),
    /// Check what the edges serve, without purging; ends with 3 when something is stale
    Verify(Verify),
    /// Keep applying: purge files when they change
    Watch(Watch),
    /// Show the status of manifests and entries
    Status(Status),
    /// Show past runs: what, when, by whom, from which commit
    History(History),
    /// Manage the record of what was purged
    State(State),
    /// Check what a run needs: manifests, credentials, clock, connection, endpoint, quota, lock
    Doctor(Doctor),
    /// Purge URLs now, through the endpoint that serves their host
    Purge(Purge),
    /// Suspend a manifest: its entries are neither purged nor forgotten
    Suspend(Suspend),
    /// Resume a suspended manifest
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

#[derive(Debug, Args)]
pub struct Validate {
    /// How to print problems
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: ProblemFormat,
}

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DocumentFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

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

/// Smallest `--max-chars`: the parts that are never left out fit into it.
const MIN_MARKDOWN_CHARS: u64 = 2000;

/// Options of `plan` and `apply`.
#[derive(Debug, Default, Args)]
pub struct Selecting {
    /// Compare with manifests and content at this git revision instead of the state
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// Compare up to this git revision instead of the files on disk
    #[arg(long, value_name = "REV", requires = "since")]
    pub to: Option<String>,
    /// Only these entries: an address, its beginning up to a `/`, or `*` for any text
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<String>,
    /// Leave out these entries
    #[arg(long = "exclude", value_name = "ADDRESS")]
    pub excludes: Vec<String>,
    /// Ask the edges first, about all entries or a `sample`: stale entries are purged too, and new ones
    /// that are already fresh are not
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
    /// Write the result as variables to this file, for `artifacts:reports:dotenv` of GitLab
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dotenv: Option<PathBuf>,
    /// End with 2 when there are changes, or something was changed
    #[arg(long)]
    pub detailed_exitcode: bool,
}

#[derive(Debug, Default, Args)]
pub struct Plan {
    #[command(flatten)]
    pub selecting: Selecting,
    /// How to print the plan
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: PlanFormat,
    /// Longest Markdown, in characters; the rest is left out and counted
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = RangedU64ValueParser::<usize>::new().range(MIN_MARKDOWN_CHARS..),
        default_value_t = Limit::COMMENT.amount()
    )]
    pub max_chars: usize,
    /// Explain everything about one entry instead: its address or URL
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["json_into", "out", "terraform_report", "detailed_exitcode"])]
    pub explain: Option<String>,
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

#[derive(Debug, Default, Args)]
pub struct Apply {
    #[command(flatten)]
    pub selecting: Selecting,
    /// How to print plan and outcome
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
    #[command(flatten)]
    pub running: Running,
    /// Apply the plan that `plan --out` saved in this file; refuse any other
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// Apply the plan with this id; refuse any other. The first 12 digits are enough
    #[arg(long, value_name = "ID")]
    pub expect_plan: Option<Expected>,
    /// Do not check afterwards what the edges serve
    #[arg(long)]
    pub no_verify: bool,
    /// Do not ask before purging; without a terminal purgit never asks
    #[arg(long)]
    pub auto_approve: bool,
}

#[derive(Debug, Args)]
pub struct Watch {
    /// How long files must be unchanged before a run; a stream of changes is applied after ten
    /// times as long
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "300ms")]
    pub debounce: Duration,
    /// How often to check everything, even without file events
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5m")]
    pub rescan: Duration,
    /// Check everything this often, instead of using file events
    #[arg(
        long,
        value_name = "INTERVAL",
        value_parser = duration,
        num_args = 0..=1,
        require_equals = false,
        default_missing_value = "2s"
    )]
    pub poll: Option<Duration>,
    /// How to report runs: one line on stderr; with `json` also one JSON object per line on stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Ask the CDN about pending tasks first
    #[arg(long)]
    pub refresh: bool,
    /// How long to wait for another writer of the state
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s", requires = "refresh")]
    pub lock_timeout: Duration,
    /// List every entry, including those that are as declared
    #[arg(long)]
    pub all: bool,
    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DocumentFormat,
}

#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one per flag")]
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
    /// Purge everything that the endpoint serves
    #[arg(long, requires = "endpoint")]
    pub everything: bool,
    /// Purge URLs that end in `/` as single files
    #[arg(long)]
    pub as_files: bool,
    /// Spend what `limits.reserve` keeps for emergencies
    #[arg(long)]
    pub urgent: bool,
    /// The endpoint, if the URL or host alone does not determine it
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    #[command(flatten)]
    pub running: Running,
    /// Do not ask the edges afterwards what users get
    #[arg(long)]
    pub no_verify: bool,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
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
