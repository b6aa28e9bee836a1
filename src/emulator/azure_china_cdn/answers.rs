//! The bodies of answers, in the documents' order and spelling `[D]`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::account::{AccountEndpoint, Lifetime};
use super::settings::{AzureChinaCdn, EmptyList, EndpointSpelling};
use crate::emulator::operation::Role;
use crate::emulator::tasks::{AcceptedTask, Stage};
use crate::entry::TargetKind;

pub(super) fn accepted(task: &AcceptedTask, now: Instant) -> Value {
    json!({
        "Succeeded": true,
        "IsAsync": true,
        "AsyncInfo": {
            "TaskTrackId": task.id,
            "TaskStatus": task_word(task.stage(now)),
        }
    })
}

/// `TaskStatus`; also the status of an operation.
fn task_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting | Stage::Running => "Processing",
        Stage::Succeeded => "Succeeded",
        Stage::Failed => "Failed",
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TaskProgress<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    files: List<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directories: List<'a>,
}

/// Missing, null, or a list.
type List<'a> = Option<Option<Vec<UrlProgress<'a>>>>;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct UrlProgress<'a> {
    url: &'a str,
    status: &'a str,
}

/// The answer to query purge and query preload; `word` replaces every status word.
pub(super) fn progress<'a>(
    task: &'a AcceptedTask,
    now: Instant,
    settings: &AzureChinaCdn,
    word: Option<&'a str>,
) -> TaskProgress<'a> {
    let purges = task.operation.role == Role::Purge;
    let status = |stage| match stage {
        Stage::Waiting if !purges => "Waiting",
        Stage::Waiting | Stage::Running => "Running",
        Stage::Failed => "Failed",
        Stage::Succeeded => settings.success_word,
    };
    let list = |kind| {
        let items = task.items.iter().filter(|item| item.kind == kind);
        let items: Vec<_> = items
            .map(|item| UrlProgress {
                url: &item.text,
                status: word.unwrap_or_else(|| status(task.stage_of(item, now))),
            })
            .collect();
        match settings.empty_list {
            EmptyList::Null if items.is_empty() => Some(None),
            EmptyList::Absent if items.is_empty() => None,
            EmptyList::Empty | EmptyList::Null | EmptyList::Absent => Some(Some(items)),
        }
    };
    TaskProgress {
        files: list(TargetKind::File),
        // Query preload returns files only [D].
        directories: purges.then(|| list(TargetKind::Directory)).flatten(),
    }
}

/// The answer to get operation; `word` replaces the status word.
pub(super) fn operation(
    task: &AcceptedTask,
    subscription: &str,
    now: Instant,
    word: Option<&str>,
) -> Value {
    let stage = task.stage(now);
    let stages = task.items.iter().map(|item| task.stage_of(item, now));
    let failed = stages.filter(|stage| *stage == Stage::Failed).count();
    let message = format!("{failed} of {} items failed.", task.items.len());
    json!({
        "Id": task.id,
        // `Purge` is [D], `Preload` is [I].
        "Type": if task.operation.role == Role::Purge { "Purge" } else { "Preload" },
        "Status": word.unwrap_or(task_word(stage)),
        "Message": (stage == Stage::Failed).then_some(message),
        "Start": timestamp(task.at),
        // `null` while it runs [?].
        "End": task.end(now).map(timestamp),
        "EndpointId": task.scope,
        "SubscriptionId": subscription.to_ascii_lowercase(),
    })
}

/// As in `2017-05-02T06:34:07.869Z`.
fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(super) fn endpoint(endpoint: &AccountEndpoint, spelling: EndpointSpelling) -> Value {
    let (enabled, icp, lifetime) = match endpoint.lifetime {
        Lifetime::Active => (true, "Passed", "Active"),
        Lifetime::Disabled => (false, "Passed", "Inactive"),
        Lifetime::AwaitingIcp => (true, "Pending", "Creating"),
    };
    let boolean = |value: bool| match spelling {
        EndpointSpelling::Observed => json!(value),
        EndpointSpelling::Documented => json!(value.to_string()),
    };
    let (id, settings) = match spelling {
        EndpointSpelling::Observed => ("EndpointId", "Settings"),
        EndpointSpelling::Documented => ("EndpointID", "Setting"),
    };
    json!({
        id: endpoint.id,
        "Status": {
            "Enabled": boolean(enabled),
            "IcpVerifyStatus": icp,
            "LifetimeStatus": lifetime,
            "CNameConfigured": boolean(endpoint.lifetime == Lifetime::Active),
        },
        settings: {
            "CustomDomain": endpoint.custom_domain,
            "Host": endpoint.custom_domain,
            "Origin": { "Addresses": ["origin.example.com"] },
            "ServiceType": "Web",
        }
    })
}
