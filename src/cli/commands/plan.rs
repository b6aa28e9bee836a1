//! `purgit plan`

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::explain;
use super::running::inquire;
use crate::cli::args::{Plan, PlanFormat};
use crate::cli::channels::Channels;
use crate::cli::project::Opened;
use crate::cli::sides::{self, Listed};
use crate::cli::{CommandError, Printer, approved, environment, plan_file};
use crate::clock::{Clock as _, SystemClock};
use crate::credential::system::SystemSource;
use crate::diagnostic;
use crate::diff::Reason;
use crate::exit::Exit;
use crate::manifest::resource::Endpoint;
use crate::output::json::v1::{self, PlanDocument};
use crate::output::markdown::{self, Limit};
use crate::output::{PlanReport, text};
use crate::plan;
use crate::plan::select::Selection;
use crate::reconcile;
use crate::reconcile::quota::{self, Heard};
use crate::state::Record;
use crate::transport::http::HttpTransport;
use crate::view::{Detail, StateView};
use crate::workspace::history::Background;

pub(super) fn run(
    arguments: &Plan,
    channels: &Channels,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let selecting = &arguments.selecting;
    let selection = Selection::new(&selecting.targets, &selecting.excludes)?;
    let listed = sides::open(
        selecting,
        &[
            ("--out", arguments.out.as_deref()),
            ("--terraform-report", arguments.terraform_report.as_deref()),
        ],
        None,
        printer,
    )?;
    if let Some(address) = &arguments.explain {
        return explain::run(address, &listed, &selection, arguments, printer);
    }
    let detail = match selecting.verify {
        Some(_) => Detail::Everything,
        None => reconcile::detail(&selection),
    };
    let timestamp = SystemClock.now();
    let Listed {
        opened,
        views,
        sides,
    } = &listed;
    let project = &opened.project;
    let (mut view, mut both) = reconcile::look(project, views, sides, detail, timestamp)?;
    sides::warn(&both.notes, printer);
    if let Some(extent) = selecting.verify {
        let inquiry = extent.inquiry();
        inquire(&listed, &inquiry, &selection, &mut both, &view, printer)?;
    }
    let digest = &opened.digest;
    let forces = &arguments.forcing.forces;
    let make = |view: &StateView| {
        reconcile::plan(project, digest, &both, view, &selection, forces, timestamp)
    };
    let recorded = view.state.clone();
    let mut plan = make(&view)?;
    if arguments.refresh_quota {
        let records = refresh_quota(opened, &plan, &view, printer)?;
        Arc::make_mut(&mut view.state).suppose(records);
        plan = make(&view)?;
    }
    let report = PlanReport {
        plan: &plan,
        timestamp,
    };
    // Git is slow, so it is only asked if somebody reads the answer.
    let background = LazyCell::new(|| {
        let applied = view.state.last_applied.as_deref();
        Background::of(&plan, project, &opened.root, sides.is_on_disk(), applied)
    });
    let document = || v1::plan(report).with(&background);
    channels.plan(document);
    show(report, document, arguments, printer)?;
    // A job that only plans has no credentials, on purpose.
    if matches!(arguments.format, PlanFormat::Text) && !environment::is_ci() {
        let endpoints = plan.steps.iter().map(|step| &*step.endpoint);
        let endpoints = endpoints.filter_map(|name| project.endpoints.get(name));
        let variables: BTreeSet<_> = endpoints.flat_map(Endpoint::variables).collect();
        let unset = variables
            .into_iter()
            .filter(|name| environment::text(name).is_none());
        let unset: Vec<_> = unset.collect();
        if !unset.is_empty() {
            let unset = diagnostic::listed(unset);
            printer.advice(&format!("set {unset} before `purgit apply`"));
        }
    }
    if let Some(path) = &arguments.terraform_report {
        // Only for display in GitLab, so a failure is no reason to fail.
        if let Err(error) = plan_file::write(path, &Counts::of(&plan)) {
            printer.warning(&error.message);
        }
    }
    if let Some(path) = &arguments.out {
        let made_with = approved::plan_options(selecting, &arguments.forcing);
        plan_file::write(path, &v1::saved(report, made_with).with(&background))?;
        let path = path.display();
        printer.advice(&format!(
            "saved: `purgit apply --plan {path}` carries out this plan only"
        ));
    }
    // The cache must not keep what was assumed for this plan only.
    view.state = recorded;
    views.keep(view);
    views.save(project);
    Ok(if !plan.is_applyable() {
        printer.refused(&plan, "the plan is refused by a safety check");
        Exit::Refused
    } else if selecting.detailed_exitcode && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// Asks CDNs what is left of the quotas that the plan uses.
fn refresh_quota(
    opened: &Opened,
    plan: &plan::Plan,
    view: &StateView,
    printer: Printer,
) -> Result<Vec<Record>, CommandError> {
    let (transport, source) = (HttpTransport::default(), SystemSource::new(&opened.root));
    let endpoints = quota::endpoints(&opened.project, &plan.changes);
    let asking = quota::ask(endpoints, &source, &transport, &SystemClock);
    let answers = super::runtime()?.block_on(asking).map_err(|missing| {
        let hint = format!(
            "{}; without `--refresh-quota`, none is needed",
            missing.place()
        );
        CommandError {
            hints: vec![hint],
            ..missing.into()
        }
    })?;
    for (name, heard) in &answers {
        let text = format!("[{name}] {}", heard.sentence());
        match heard {
            Heard::Nothing(_) => printer.warning(&text),
            Heard::NoQuota | Heard::NoQuestion(_) | Heard::Left(_) => printer.note(&text),
        }
    }
    Ok(quota::records(&answers, &view.state, SystemClock.now()))
}

/// A plan in the words of Terraform, which GitLab shows on a merge request.
/// <https://docs.gitlab.com/user/infrastructure/iac/mr_integration/>
#[derive(Debug, Default, Serialize)]
struct Counts {
    create: usize,
    update: usize,
    delete: usize,
}

impl Counts {
    fn of(plan: &plan::Plan) -> Self {
        let mut counts = Self::default();
        for change in &plan.changes {
            *match change.reason {
                Reason::Added => &mut counts.create,
                Reason::ContentDeleted => &mut counts.delete,
                Reason::ContentChanged
                | Reason::RevisionChanged
                | Reason::PreviousFailed
                | Reason::PreviousUnknown
                | Reason::StaleAtEdge
                | Reason::Forced => &mut counts.update,
            } += 1;
        }
        counts
    }
}

/// Prints the plan, and writes it for `--json-into`.
fn show(
    report: PlanReport<'_>,
    document: impl Fn() -> PlanDocument,
    arguments: &Plan,
    printer: Printer,
) -> Result<(), CommandError> {
    match arguments.format {
        PlanFormat::Text => {
            printer.page(&text::plan(report, printer.layout(arguments.selecting.all)));
        }
        PlanFormat::Json => printer.json(&document()),
        PlanFormat::Markdown => {
            let limit = Limit::Characters(arguments.max_chars);
            printer.generated(&markdown::plan(&document(), limit));
        }
    }
    match &arguments.selecting.json_into {
        Some(path) => plan_file::write(path, &document()),
        None => Ok(()),
    }
}
