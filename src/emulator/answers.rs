//! The bodies of the API's answers, in the documents' order and spelling `[D]`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::account::{Endpoint, Lifetime};
use super::errors::Refusal;
use super::settings::{Answers, EmptyList, EndpointSpelling, SuccessWord};
use super::tasks::{Stage, Task, TaskKind};
use crate::emulator::items::Kind;

/// The answer to an accepted purge or preload.
pub(super) fn accepted(task: &Task, now: Instant) -> Value {
    json!({
        "Succeeded": true,
        "IsAsync": true,
        "AsyncInfo": {
            "TaskTrackId": task.id.to_string(),
            "TaskStatus": task_word(task.stage(now)),
        }
    })
}

/// The answer to a refused request.
pub(super) fn refused(refusal: &Refusal) -> Value {
    json!({
        "Succeeded": false,
        "ErrorInfo": { "Type": refusal.error.as_str(), "Message": refusal.message }
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

/// How far each URL of a task is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Progress {
    #[serde(skip_serializing_if = "List::is_absent")]
    files: List,
    #[serde(skip_serializing_if = "List::is_absent")]
    directories: List,
}

#[derive(Debug)]
enum List {
    Items(Vec<ItemProgress>),
    Null,
    Absent,
}

impl List {
    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Items(items) => items.serialize(serializer),
            Self::Null | Self::Absent => serializer.serialize_none(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ItemProgress {
    url: String,
    status: String,
}

/// The answer to query purge and query preload; `word` replaces every status word.
pub(super) fn progress(
    task: &Task,
    now: Instant,
    answers: &Answers,
    word: Option<&str>,
) -> Progress {
    let status = |stage| match (word, stage, answers.success_word) {
        (Some(word), _, _) => word,
        (None, Stage::Waiting, _) => "Waiting",
        (None, Stage::Running, _) => "Running",
        (None, Stage::Failed, _) => "Failed",
        (None, Stage::Succeeded, SuccessWord::Succeed) => "Succeed",
        (None, Stage::Succeeded, SuccessWord::Succeeded) => "Succeeded",
    };
    let list = |kind| {
        let items: Vec<_> = task
            .items
            .iter()
            .filter(|item| item.kind == kind)
            .map(|item| ItemProgress {
                url: item.url.clone(),
                status: status(task.stage_of(item, now)).to_owned(),
            })
            .collect();
        match (items.is_empty(), answers.empty_list) {
            (false, _) | (true, EmptyList::Empty) => List::Items(items),
            (true, EmptyList::Null) => List::Null,
            (true, EmptyList::Absent) => List::Absent,
        }
    };
    Progress {
        files: list(Kind::File),
        directories: match task.kind {
            TaskKind::Purge => list(Kind::Directory),
            // Query preload returns files only [D].
            TaskKind::Preload => List::Absent,
        },
    }
}

/// The answer to get operation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OperationAnswer {
    id: String,
    r#type: &'static str,
    status: String,
    message: Option<String>,
    start: String,
    /// `null` while it runs `[?]`.
    end: Option<String>,
    endpoint_id: String,
    subscription_id: String,
}

/// How far a task is as a whole; `word` replaces the status word.
pub(super) fn operation(task: &Task, now: Instant, word: Option<&str>) -> OperationAnswer {
    let stage = task.stage(now);
    let failed = task.items.iter().filter(|item| item.fails).count();
    OperationAnswer {
        id: task.id.to_string(),
        r#type: task.kind.as_str(),
        status: word.unwrap_or(task_word(stage)).to_owned(),
        message: (stage == Stage::Failed)
            .then(|| format!("{failed} of {} items failed.", task.items.len())),
        start: timestamp(task.start),
        end: task.end(now).map(timestamp),
        endpoint_id: task.endpoint.clone(),
        subscription_id: task.subscription.clone(),
    }
}

/// As in `2017-05-02T06:34:07.869Z`.
fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An endpoint in a list or by itself.
pub(super) fn endpoint(endpoint: &Endpoint, spelling: EndpointSpelling) -> Value {
    let enabled = endpoint.lifetime != Lifetime::Disabled;
    let icp = match endpoint.lifetime {
        Lifetime::Active | Lifetime::Disabled => "Passed",
        Lifetime::AwaitingIcp => "Pending",
    };
    let lifetime = match endpoint.lifetime {
        Lifetime::Active => "Active",
        Lifetime::Disabled => "Inactive",
        Lifetime::AwaitingIcp => "Creating",
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
