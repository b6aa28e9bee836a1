//! What `apply`, `purge` and `status --refresh` share: setting up a run and reporting it.

mod hints;
mod terminal;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cli::approved::Approved;
use crate::cli::args::{DocumentFormat, Running};
use crate::cli::channels::Channels;
use crate::cli::progress::Progress;
use crate::cli::project::Opened;
use crate::cli::sides::{self, Listed};
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer, origin};
use crate::clock::{Clock as _, SystemClock};
use crate::credential::source::Withheld;
use crate::credential::system::SystemSource;
use crate::execute::{IgnoreEvents, Waiting};
use crate::exit::Exit;
use crate::output::json::v1::{self, Ending, PlanDocument};
use crate::output::layout::Layout;
use crate::output::{PlanReport, count, text};
use crate::plan::Plan;
use crate::plan::select::Selection;
use crate::reconcile::{
    Approval, Gate, Inquiry, Intent, Interruption as _, ReconcileError, Reconciled, Reconciler,
    Verdict,
};
use crate::state::{Holder, State};
use crate::status::file::StatusSink;
use crate::transport::http::HttpTransport;
use crate::transport::http_fetch::HttpFetch;
use crate::view::{StateView, Views};
use crate::workspace::places;
use crate::workspace::sides::BothSides;
use terminal::{Seen, Terminal};

#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
#[derive(Debug, Default)]
pub(super) struct Setup<'a> {
    pub(super) command: &'static str,
    pub(super) selection: Selection,
    pub(super) inquiry: Option<Inquiry>,
    pub(super) running: Running,
    pub(super) approved: Approved,
    pub(super) channels: Option<&'a Channels>,
    pub(super) format: DocumentFormat,
    pub(super) json_into: Option<PathBuf>,
    pub(super) detailed_exitcode: bool,
    /// Whether the reserve of quotas may be spent.
    pub(super) urgent: bool,
    pub(super) layout: Layout,
    /// Whether to check the edges afterwards.
    pub(super) prove: bool,
    pub(super) ask: bool,
    pub(super) silent: bool,
}

pub(super) fn run(
    opened: &Opened,
    views: Views,
    intent: Intent<'_>,
    setup: Setup<'_>,
    printer: Printer,
) -> Result<Exit, CommandError> {
    super::runtime()?.block_on(reconcile(opened, views, intent, setup, printer))
}

async fn reconcile(
    opened: &Opened,
    views: Views,
    intent: Intent<'_>,
    setup: Setup<'_>,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let signals = Signals::listen(printer);
    let progress = Progress::new(printer);
    let machine = Machine::new(opened, views)?;
    let gate = Terminal {
        setup: &setup,
        opened,
        sides: match &intent {
            Intent::Manifests(sides) => Some(*sides),
            Intent::OneOff(_) | Intent::Refresh(_) => None,
        },
        printer,
        signals: &signals,
        progress: &progress,
        seen: Mutex::default(),
    };
    let reconciler = Reconciler {
        selection: setup.selection.clone(),
        inquiry: setup.inquiry.clone(),
        urgent: setup.urgent,
        forces: setup.running.forcing.forces.clone(),
        lock_timeout: setup.running.lock_timeout,
        waiting: Waiting {
            wait: !setup.running.no_wait,
            timeout: setup.running.timeout,
            cancel: signals.cancel.clone(),
            ..Waiting::default()
        },
        prove: setup.prove,
        interruption: &signals,
        observer: &progress,
        gate: &gate,
        ..machine.reconciler(opened, setup.command)
    };
    let outcome = reconciler.run(intent).await;
    progress.finish();
    let mut seen = gate.seen();
    let is_stale = matches!(outcome, Err(ReconcileError::Stale(_)));
    let outcome = match seen.failed.take() {
        Some(failed) => Err(failed),
        None => outcome.map_err(CommandError::from),
    };
    let outcome = outcome.map_err(|mut error| {
        if is_stale {
            let view = machine.views.read(&opened.project).ok();
            let state = view.as_ref().map(|view| &*view.state);
            error.hints = setup.approved.hints(seen.plan.as_ref(), state);
        }
        error
    });
    let mut done = match outcome {
        Ok(done) => done,
        Err(error) => {
            let document = || unfinished(Some(&seen), &error);
            if !setup.silent && setup.format == DocumentFormat::Json {
                printer.json(&document());
            }
            if let Some(channels) = setup.channels {
                channels.plan(document);
            }
            return Err(error);
        }
    };
    let exit = exit(&done, setup.detailed_exitcode);
    let ending = match done.status_error.take() {
        // What was purged stays purged, but a status that describes another run must not go
        // unnoticed.
        Some(error) if exit == Exit::Done || exit == Exit::Changes => Err(error.into()),
        Some(error) => {
            printer.warning(&crate::error::chain(&error));
            Ok(exit)
        }
        None => Ok(exit),
    };
    report(&done, &seen, &ending, &setup, printer);
    ending
}

/// The report of a run that failed, with its plan if there is one.
pub(super) fn unfinished(seen: Option<&Seen>, error: &CommandError) -> PlanDocument {
    let timestamp = SystemClock.now();
    let message = error.to_string();
    let ending = Ending {
        exit_code: error.exit.code(),
        error: Some(&message),
    };
    match seen.and_then(|seen| Some((seen.plan.as_ref()?, &seen.background))) {
        Some((plan, background)) => {
            v1::applied(PlanReport { plan, timestamp }, None, ending).with(background)
        }
        None => v1::unplanned(timestamp, ending),
    }
}

fn report(
    reconciled: &Reconciled,
    seen: &Seen,
    ending: &Result<Exit, CommandError>,
    setup: &Setup<'_>,
    printer: Printer,
) {
    let verdict = reconciled.verdict();
    let problem = match verdict {
        Verdict::Refused => Some("the plan is refused by a safety check; nothing was purged"),
        Verdict::Declined => Some("not approved; nothing was purged"),
        Verdict::Done
        | Verdict::Failed
        | Verdict::Credentials
        | Verdict::Running
        | Verdict::Interrupted => None,
    };
    let document = || {
        let report = PlanReport {
            plan: &reconciled.plan,
            timestamp: SystemClock.now(),
        };
        let error = ending.as_ref().err().map(ToString::to_string);
        let exit = match ending {
            Ok(exit) => *exit,
            Err(error) => error.exit,
        };
        let ending = Ending {
            exit_code: exit.code(),
            error: error.as_deref().or(problem),
        };
        v1::applied(report, reconciled.execution.as_ref(), ending).with(&seen.background)
    };
    let took = seen.approved.map(|since| since.elapsed());
    match setup.format {
        _ if setup.silent => {}
        DocumentFormat::Text => printer.page(&text::applied(reconciled, took, setup.layout)),
        DocumentFormat::Json => printer.json(&document()),
    }
    if let Some(channels) = setup.channels {
        channels.plan(document);
    }
    for hint in reconciled.execution.iter().flat_map(text::hints) {
        printer.hint(hint);
    }
    let verified = reconciled.execution.as_ref().and_then(|run| run.verified);
    if verified.is_some_and(|verified| verified.unknown > 0) {
        printer.hint("`purgit verify ADDRESS` says why an entry is unknown");
    }
    match problem {
        Some(problem) if verdict == Verdict::Refused => printer.refused(&reconciled.plan, problem),
        Some(problem) => printer.problem(problem),
        None => {}
    }
    match verdict {
        Verdict::Running => hints::running(reconciled, setup.command, printer),
        Verdict::Failed => printer.hint("what failed stays planned: run `purgit apply` again"),
        Verdict::Interrupted => {
            printer.hint("interrupted; the next `purgit apply` goes on from here");
        }
        Verdict::Refused => {
            if let Some(hint) = setup.approved.refused() {
                printer.hint(hint);
            }
        }
        Verdict::Done | Verdict::Declined | Verdict::Credentials => {}
    }
}

fn exit(reconciled: &Reconciled, detailed: bool) -> Exit {
    let execution = reconciled.execution.as_ref();
    let changed = execution.is_some_and(|run| !run.entries.is_empty());
    match detailed && changed && reconciled.verdict() == Verdict::Done {
        true => Exit::Changes,
        false => reconciled.exit,
    }
}

/// Asks the edges what a plan needs to know; `both` must hold every entry.
pub(super) fn inquire(
    listed: &Listed,
    inquiry: &Inquiry,
    selection: &Selection,
    both: &mut BothSides,
    view: &StateView,
    printer: Printer,
) -> Result<(), CommandError> {
    let machine = Machine::new(&listed.opened, sides::views(&listed.opened)?)?;
    let asking = async {
        let signals = Signals::listen(printer);
        let reconciler = Reconciler {
            selection: selection.clone(),
            waiting: Waiting {
                cancel: signals.cancel.clone(),
                ..Waiting::default()
            },
            gate: &printer,
            credentials: &Withheld,
            ..machine.reconciler(&listed.opened, "plan")
        };
        let looked = reconciler
            .inquire(inquiry, &listed.sides, both, &view.state)
            .await?;
        match signals.cancel.is_cancelled() {
            true => Err(CommandError::new("interrupted").exit(signals.exit())),
            false => Ok(looked),
        }
    };
    both.looked = Some(Arc::new(super::runtime()?.block_on(asking)?));
    Ok(())
}

/// Prints what is asked of the edges, and approves every plan.
impl Gate for Printer {
    fn planned(&self, _plan: &Plan, _state: &State) -> Approval {
        Approval::Go
    }

    fn asking(&self, entries: usize, requests: usize, to_origins: usize) {
        if requests > 0 {
            let (entries, requests) = (count(entries, "entry"), count(requests, "request"));
            let origins = match to_origins {
                0 => String::new(),
                most => format!(", and origins in {most} more at most"),
            };
            self.note(&format!(
                "asking the edges for {entries}: {requests}{origins}"
            ));
        }
    }
}

#[derive(Debug)]
pub(super) struct Machine {
    transport: HttpTransport,
    fetch: HttpFetch,
    pub(super) credentials: SystemSource,
    views: Views,
    pub(super) status: Box<dyn StatusSink>,
}

impl Machine {
    pub(super) fn new(opened: &Opened, views: Views) -> Result<Self, CommandError> {
        Ok(Self {
            transport: HttpTransport::default(),
            fetch: HttpFetch::default(),
            credentials: SystemSource::new(&opened.root),
            views,
            status: places::status(&opened.project, &opened.root, &opened.revision)?,
        })
    }

    /// A reconciler for all entries that shows nothing and waits as the manifests say.
    pub(super) fn reconciler<'a>(&'a self, opened: &'a Opened, command: &str) -> Reconciler<'a> {
        Reconciler {
            project: &opened.project,
            manifests_digest: opened.digest.clone(),
            views: &self.views,
            holder: holder(command),
            origin: origin::of(&opened.root),
            again: Vec::new(),
            inquiry: None,
            selection: Selection::default(),
            forces: Vec::new(),
            urgent: false,
            // The next run comes soon, so do not wait.
            lock_timeout: Duration::ZERO,
            waiting: Waiting::default(),
            interruption: &Exit::Interrupted,
            transport: &self.transport,
            fetch: &self.fetch,
            prove: false,
            gives_up: false,
            clock: &SystemClock,
            credentials: &self.credentials,
            observer: &IgnoreEvents,
            gate: &Unattended,
            status: &*self.status,
            new_id: || uuid::Uuid::now_v7().to_string(),
        }
    }
}

/// Approves every plan, for unattended runs.
#[derive(Debug)]
struct Unattended;

impl Gate for Unattended {
    fn planned(&self, _plan: &Plan, _state: &State) -> Approval {
        Approval::Go
    }
}

/// Who runs this, for the lock.
pub(super) fn holder(command: &str) -> Holder {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok());
    Holder {
        command: command.to_owned(),
        pid: std::process::id(),
        host: host.map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned()),
        since: SystemClock.now(),
    }
}
