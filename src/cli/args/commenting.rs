//! Arguments of `comment`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::comment::OnNoChanges;

#[derive(Debug, Args)]
pub struct Comment {
    /// The plan to show, as `plan --json-into` wrote it; by default plans now
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan_file: Option<PathBuf>,
    /// Keep a separate comment for this environment, e.g. `staging`
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub environment: Option<String>,
    /// What to do with an existing comment when there is nothing to purge
    #[arg(long, value_enum, value_name = "ACTION", default_value_t)]
    pub on_no_changes: OnNoChanges,
    /// Print the id of the plan in the comment, for `apply --expect-plan`, and write nothing; outside
    /// a request, use the request that was merged as this commit
    #[arg(long, conflicts_with_all = ["plan_file", "on_no_changes"])]
    pub print_plan_id: bool,
}
