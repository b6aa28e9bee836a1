//! `purgit purge URL…`: one-off, through the same engine, state and checks.

use std::sync::Arc;

use super::running::{self, Setup};
use crate::cli::args::Purge;
use crate::cli::{CommandError, Printer, project, wanted};
use crate::diff::{Change, Reason};
use crate::entry::{EntryKey, Generation, Owner, Target, TargetKind};
use crate::exit::Exit;
use crate::manifest::resource::{Endpoint, Project};
use crate::reconcile::Intent;

/// The generation of an entry that was asked for on the command line.
const ASKED_FOR: &str = "forced";

pub(super) fn run(arguments: Purge, printer: Printer) -> Result<Exit, CommandError> {
    let opened = project::open(printer)?;
    let mut changes = Vec::new();
    for url in &arguments.urls {
        changes.push(change(&opened.project, url, &arguments)?);
    }
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes.dedup_by(|a, b| a.key == b.key);
    let setup = Setup {
        command: "purge",
        running: arguments.running,
        ..Setup::default()
    };
    let desired = wanted::from_disk(&opened, printer)?.desired;
    running::run(&opened, &desired, Intent::OneOff(changes), setup, printer)
}

fn change(project: &Project, text: &str, arguments: &Purge) -> Result<Change, CommandError> {
    let kind = match text.ends_with('/') && !arguments.as_files {
        true => TargetKind::Directory,
        false => TargetKind::File,
    };
    let target = Target::parse(kind, text)
        .map_err(|error| CommandError::new(format!("`{text}`: {error}")))?;
    let endpoint = match &arguments.endpoint {
        Some(name) => named(project, name, &target)?,
        None => serving(project, &target)?,
    };
    Ok(Change {
        key: EntryKey {
            owner: Owner::OneOff,
            path: None,
            target,
            endpoint: endpoint.name.clone(),
        },
        before: None,
        after: Some(Generation::recorded(ASKED_FOR)),
        reason: Reason::Forced,
    })
}

fn named<'a>(
    project: &'a Project,
    name: &str,
    target: &Target,
) -> Result<&'a Endpoint, CommandError> {
    let Some(endpoint) = project.endpoints.get(name) else {
        let error = CommandError::new(format!("there is no endpoint `{name}`"));
        return Err(error.hint(format!(
            "the endpoints are {}",
            names(project.endpoints.keys())
        )));
    };
    if endpoint.serves(target) {
        return Ok(endpoint);
    }
    let hosts: Vec<_> = endpoint
        .hosts
        .iter()
        .map(|host| format!("`{host}`"))
        .collect();
    Err(CommandError::new(format!(
        "endpoint `{name}` does not serve `{}`",
        target.host().unwrap_or_default()
    ))
    .hint(format!("it serves {}", hosts.join(", "))))
}

fn serving<'a>(project: &'a Project, target: &Target) -> Result<&'a Endpoint, CommandError> {
    let mut serving = project
        .endpoints
        .values()
        .filter(|endpoint| endpoint.serves(target));
    match (serving.next(), serving.next()) {
        (Some(endpoint), None) => Ok(endpoint),
        (None, _) => Err(CommandError::new(format!(
            "no endpoint serves `{}`",
            target.host().unwrap_or_default()
        ))
        .hint("add the host to `spec.hosts` of the endpoint that does")),
        (Some(first), Some(second)) => {
            let all = [first, second]
                .into_iter()
                .chain(serving)
                .map(|endpoint| &endpoint.name);
            Err(CommandError::new(format!(
                "several endpoints serve `{}`",
                target.host().unwrap_or_default()
            ))
            .hint(format!("name one with `--endpoint`: {}", names(all))))
        }
    }
}

fn names<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
