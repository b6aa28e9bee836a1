//! `purgit purge URL…`: one-off, through the same engine, state and checks.

use std::fmt::Display;

use super::running::{self, Setup};
use crate::cli::args::Purge;
use crate::cli::{CommandError, Printer, project, sides};
use crate::diff::{Change, Reason};
use crate::entry::{EntryKey, Generation, Owner, Target, TargetKind};
use crate::exit::Exit;
use crate::manifest::resource::{Endpoint, Project};
use crate::reconcile::Intent;

/// The generation that one-off entries get.
const ASKED_FOR: &str = "forced";

pub(super) fn run(arguments: Purge, printer: Printer) -> Result<Exit, CommandError> {
    let opened = project::open(printer)?;
    let mut changes = Vec::new();
    for (kind, text) in targets(&arguments) {
        changes.push(change(&opened.project, kind, text, &arguments)?);
    }
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes.dedup_by(|a, b| a.key == b.key);
    let setup = Setup {
        command: "purge",
        urgent: arguments.urgent,
        running: arguments.running,
        prove: !arguments.no_verify,
        layout: printer.layout(false),
        ..Setup::default()
    };
    let views = sides::views(&opened)?;
    running::run(&opened, views, Intent::OneOff(changes), setup, printer)
}

fn targets(arguments: &Purge) -> Vec<(TargetKind, &str)> {
    let url_kind = |text: &str| match text.ends_with('/') && !arguments.as_files {
        true => TargetKind::Directory,
        false => TargetKind::File,
    };
    let (urls, tags, hosts) = (&arguments.urls, &arguments.tags, &arguments.hosts);
    let urls = urls.iter().map(|text| (url_kind(text), text.as_str()));
    let tags = tags.iter().map(|text| (TargetKind::Tag, text.as_str()));
    let hosts = hosts.iter().map(|text| (TargetKind::Host, text.as_str()));
    let everything = arguments.everything.then_some((TargetKind::Everything, ""));
    urls.chain(tags).chain(hosts).chain(everything).collect()
}

fn change(
    project: &Project,
    kind: TargetKind,
    text: &str,
    arguments: &Purge,
) -> Result<Change, CommandError> {
    let target = Target::parse(kind, text)
        .map_err(|error| CommandError::new(format!("`{text}`: {error}")))?;
    let endpoint = match &arguments.endpoint {
        Some(name) => named(project, name, &target)?,
        None => serving(project, &target)?,
    };
    endpoint.provider.lower(&target).map_err(|error| {
        let message = format!("endpoint `{}`: {error}", endpoint.name);
        CommandError::new(message).hint(error.hint)
    })?;
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
        let names = quoted(project.endpoints.keys());
        return Err(error.hint(format!("the endpoints are {names}")));
    };
    if endpoint.serves(target) {
        return Ok(endpoint);
    }
    let host = target.host().unwrap_or_default();
    let error = CommandError::new(format!("endpoint `{name}` does not serve `{host}`"));
    Err(error.hint(format!("it serves {}", quoted(&endpoint.hosts))))
}

/// The one endpoint that serves the target's host, or, where it names no host, the only one.
fn serving<'a>(project: &'a Project, target: &Target) -> Result<&'a Endpoint, CommandError> {
    let what = target.host().map_or_else(
        || format!("a {}", target.kind()),
        |host| format!("`{host}`"),
    );
    let serving: Vec<_> = project
        .endpoints
        .values()
        .filter(|endpoint| endpoint.serves(target))
        .collect();
    match &*serving {
        [endpoint] => Ok(endpoint),
        [] => Err(CommandError::new(format!("no endpoint serves {what}"))
            .hint("add the host to `spec.hosts` of the endpoint that does")),
        several => {
            let names = quoted(several.iter().map(|endpoint| &endpoint.name));
            Err(CommandError::new(format!("several endpoints serve {what}"))
                .hint(format!("name one with `--endpoint`: {names}")))
        }
    }
}

fn quoted(names: impl IntoIterator<Item: Display>) -> String {
    let names = names.into_iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}
