//! What `plan` and `apply` report to the CI system: values for other steps and jobs, a summary,
//! annotations. Nothing else is written. A failure to write is only a warning: a run never depends on
//! it.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::args::{Apply, Command, Plan};
use super::ci::{Context, System};
use super::{CommandError, Printer, environment};
use crate::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::output::json::v1::{ApplyResult, EntryResult, PlanDocument};
use crate::output::markdown::{self, Limit};
use crate::plan::{CheckStatus, count, number};

/// Prefix of the variables in a dotenv file.
const PREFIX: &str = "PURGIT_";

/// Least room for a plan in a summary, in bytes: about the parts that are never left out.
const MIN_SUMMARY: usize = 2_000;

#[derive(Debug, Default)]
pub(super) struct Channels {
    context: Context,
    dotenv: Option<PathBuf>,
    /// The plan with its outcome.
    document: OnceLock<PlanDocument>,
}

impl Channels {
    /// Only `plan` and `apply` have something to report.
    pub(super) fn of(command: &Command) -> Self {
        let (Command::Plan(Plan { selecting, .. }) | Command::Apply(Apply { selecting, .. })) =
            command
        else {
            return Self::default();
        };
        Self::new(selecting.dotenv.as_deref())
    }

    /// For a command line that cannot be parsed.
    pub(super) fn misused(arguments: &[OsString]) -> Self {
        match arguments
            .iter()
            .any(|word| word == "plan" || word == "apply")
        {
            true => Self::new(None),
            false => Self::default(),
        }
    }

    fn new(dotenv: Option<&Path>) -> Self {
        Self {
            context: environment::ci(),
            dotenv: environment::dotenv(dotenv),
            document: OnceLock::new(),
        }
    }

    pub(super) fn take_plans(&self) -> bool {
        self.dotenv.is_some() || self.context.system == System::GithubActions
    }

    /// Keeps the plan, if any channel reports it.
    pub(super) fn plan(&self, document: impl FnOnce() -> PlanDocument) {
        if self.take_plans() {
            self.document.get_or_init(document);
        }
    }

    /// Reports how the command ended, and why.
    pub(super) fn report(&self, exit: Exit, error: Option<&CommandError>, printer: Printer) {
        let values = values(self.document.get(), exit);
        let check = |what: &str, path: &Path, written: io::Result<()>| {
            if let Err(error) = written {
                let path = path.display();
                printer.warning(&format!("cannot write {what} to `{path}`: {error}"));
            }
        };
        if let Some(path) = &self.dotenv {
            check("variables", path, dotenv(path, &values));
        }
        if self.context.system != System::GithubActions {
            return;
        }
        if let Some(path) = &self.context.output {
            let lines = values.map(|(name, value)| format!("{name}={value}\n"));
            let written = append(path, "", &lines.concat());
            check("values of the step", path, written);
        }
        if let (Some(path), Some(document)) = (&self.context.summary, self.document.get()) {
            let text = |limit| markdown::applied(document, limit);
            check("the step's summary", path, summarise(path, text));
        }
        printer.annotations(&problems(self.document.get(), exit, error), "", 0);
    }
}

/// Outputs for other steps; those of the plan are empty without one.
fn values(plan: Option<&PlanDocument>, exit: Exit) -> [(&'static str, String); 4] {
    let plan = plan.filter(|plan| !plan.plan_id.is_empty());
    let of = |value: fn(&PlanDocument) -> String| plan.map(value).unwrap_or_default();
    [
        ("changes", of(|plan| (!plan.changes.is_empty()).to_string())),
        ("changes_count", of(|plan| plan.changes.len().to_string())),
        ("plan_id", of(|plan| plan.plan_id.clone())),
        ("exitcode", exit.code().to_string()),
    ]
}

/// Writes variables, replacing earlier ones with the same names; others stay.
fn dotenv(path: &Path, values: &[(&str, String); 4]) -> io::Result<()> {
    let name = |name: &str| format!("{PREFIX}{}", name.to_ascii_uppercase());
    let before = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        before => before?,
    };
    let is_ours = |line: &&str| {
        let set = line.split('=').next().unwrap_or_default();
        values.iter().any(|(known, _)| name(known) == set)
    };
    let others = before.lines().filter(|line| !is_ours(line));
    let mut lines: Vec<_> = others.map(str::to_owned).collect();
    lines.extend(
        values
            .iter()
            .map(|(known, value)| format!("{}={value}", name(known))),
    );
    fs::write(path, lines.join("\n") + "\n")
}

/// Appends to a file on a new line; writes `between` first if the file is not empty.
fn append(path: &Path, between: &str, text: &str) -> io::Result<()> {
    let before = fs::read(path).unwrap_or_default();
    let end = match before.last() {
        None | Some(b'\n') => "",
        Some(_) => "\n",
    };
    let between = if before.is_empty() { "" } else { between };
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{end}{between}{text}").as_bytes())
}

/// Adds a plan to the step's summary, within the room that earlier commands of the step left.
///
/// # Errors
/// Also if too little room is left for the important parts of a plan.
pub(super) fn summarise(path: &Path, text: impl FnOnce(Limit) -> String) -> io::Result<()> {
    const BETWEEN: &str = "\n";
    let used = fs::metadata(path).map_or(0, |file| file.len());
    let used = usize::try_from(used)
        .unwrap_or(usize::MAX)
        .saturating_add(BETWEEN.len() + 1);
    let room = Limit::STEP_SUMMARY.amount().saturating_sub(used);
    let text = (room >= MIN_SUMMARY).then(|| text(Limit::Bytes(room)));
    match text.filter(|text| text.len() <= room) {
        Some(text) => append(path, BETWEEN, &text),
        None => Err(io::Error::other(
            "other commands of the step have filled it",
        )),
    }
}

/// Entries named in one annotation.
const MAX_NAMED: usize = 5;

/// All stale entries in one annotation.
fn stale_annotation(stale: &[&EntryResult]) -> Option<Diagnostic> {
    let first = stale.first()?;
    let named = stale.iter().take(MAX_NAMED);
    let named: Vec<_> = named.map(|entry| format!("`{}`", entry.address)).collect();
    let more = match stale.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {} more", number(more)),
    };
    let why = first.message.as_deref().unwrap_or_default();
    let (entries, named) = (count(stale.len(), "entry"), named.join(", "));
    let message = format!("{entries} still stale after the purge: {named}{more}; {why}");
    Some(
        Diagnostic::error(message)
            .hint("`purgit verify` asks again, and the next `purgit apply` purges again"),
    )
}

/// Annotations: problems that a person must act on.
fn problems(
    plan: Option<&PlanDocument>,
    exit: Exit,
    error: Option<&CommandError>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(plan) = plan {
        let checks = plan.checks.iter();
        let failed = checks.filter(|check| check.status == CheckStatus::Failed.as_str());
        found.extend(failed.map(|check| {
            let message = format!("{}: {}", check.name, check.detail);
            Diagnostic::error(message).hint("nothing is purged unless it is forced")
        }));
        let entries = plan.result.iter().flat_map(|result| &result.entries);
        let (stale, failed): (Vec<_>, Vec<_>) = entries
            .filter(|entry| matches!(&*entry.outcome, "Failed" | "Unknown" | "Skipped"))
            .partition(|entry| entry.is_stale());
        found.extend(stale_annotation(&stale));
        found.extend(failed.into_iter().map(|entry| {
            let message = entry.message.as_deref().unwrap_or_default();
            let message = format!("{} `{}`: {message}", entry.outcome, entry.address);
            let mut problem = Diagnostic::error(message.trim_end_matches([':', ' ']));
            problem.hint.clone_from(&entry.hint);
            problem
        }));
    }
    if exit == Exit::Running {
        let result = plan.and_then(|plan| plan.result.as_ref());
        let held = result.and_then(ApplyResult::held);
        let waiting = plan.and_then(PlanDocument::waiting);
        let waiting: Vec<_> = waiting.into_iter().chain(held).collect();
        let what = match waiting.is_empty() {
            true => "not everything is confirmed yet".to_owned(),
            false => waiting.join(", "),
        };
        let message = format!("{what}; the next `purgit apply` goes on");
        found.push(Diagnostic::warning(message));
    }
    let error = error.filter(|error| !error.is_annotated && !error.message.is_empty());
    found.extend(error.map(|error| {
        let mut problem = Diagnostic::error(error.to_string());
        problem.hint = error.hints.first().cloned();
        problem
    }));
    found
}
