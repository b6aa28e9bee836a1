//! Parses answers. Tolerant: accepts field names in every spelling that was documented or seen, ignores
//! unknown fields, and treats wrong types as missing. Strict about success: only a documented word counts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors::DIALECT;
use super::{errors, item_key};
use crate::entry::{Target, TargetKind};
use crate::operation::Task;
use crate::provider::excerpt::excerpt;
use crate::provider::{Answer, ApiError, Effect, ItemReport, Progress};
use crate::transport::Response;
use crate::transport::retry::RetryClass;

/// Longest tracking id, in bytes. A GUID has 36; the id goes into paths and the state.
const MAX_TASK_ID_BYTES: usize = 256;

/// Polls again without waiting.
const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

/// The answer to add purge: `202` and an id `[D]`. Another 2xx counts too if it has an id.
pub(super) fn submitted(response: &Response) -> Result<Answer, ApiError> {
    let body = json(response)?;
    let info = field(&body, &["AsyncInfo"]).unwrap_or(&Value::Null);
    let id = text(info, &["TaskTrackId", "TaskTrackID"])
        .map(str::trim)
        .filter(|id| is_task_id(id))
        .ok_or_else(|| {
            let what = "the answer to a purge has no usable `TaskTrackId`";
            DIALECT.unreadable(response, what, false)
        })?;
    let is_over = text(info, &["TaskStatus"]).is_some_and(|word| progress(word).is_over());
    let ask_after = if is_over { AT_ONCE } else { None };
    Ok(Question::Items.running(id, Vec::new(), ask_after))
}

/// What to ask about a task; kept in [`Task::details`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Question {
    /// Query purge, for the progress of each URL.
    #[default]
    Items,
    /// Get operation, for the progress of the whole task. Query purge listed some URLs, or none, so the CDN
    /// knows the task.
    Operation,
    /// The same, after query purge did not know the task.
    OperationOnly,
}

impl Question {
    pub(super) fn about(task: &Task) -> Self {
        Self::deserialize(&task.details).unwrap_or_default()
    }

    /// This is what the next poll asks.
    fn running(self, id: &str, known: Vec<ItemReport>, ask_after: Option<Duration>) -> Answer {
        let details = match self {
            Self::Items => Value::Null,
            // A word can always be serialised.
            Self::Operation | Self::OperationOnly => serde_json::to_value(self).unwrap_or_default(),
        };
        Answer::Running {
            task: Task {
                id: id.to_owned(),
                details,
            },
            known,
            ask_after,
        }
    }
}

pub(super) fn polled(task: &Task, response: &Response) -> Result<Answer, ApiError> {
    let question = Question::about(task);
    let body = match json(response) {
        Ok(body) if body.is_object() => body,
        Ok(_) => return Err(DIALECT.unexpected(response)),
        Err(refusal) => return not_known(question, task, refusal),
    };
    Ok(match question {
        Question::Items => {
            let files = items(&body, "Files", TargetKind::File);
            let known: Vec<_> = files
                .chain(items(&body, "Directories", TargetKind::Directory))
                .collect();
            // The list may be null, empty or incomplete [?]; the whole operation tells about the
            // rest. If no listed item is running, ask for it at once.
            match known.iter().all(|report| report.progress.is_over()) {
                true => Question::Operation.running(&task.id, known, AT_ONCE),
                false => Question::Items.running(&task.id, known, None),
            }
        }
        Question::Operation | Question::OperationOnly => {
            let progress = text(&body, &["Status"]).map_or(Progress::Unknown, progress);
            let report = ItemReport {
                message: text(&body, &["Message"])
                    .map(excerpt)
                    .filter(|message| !message.is_empty()),
                ..ItemReport::rest(progress)
            };
            match progress.is_over() {
                true => Answer::Settled(vec![report]),
                false => Question::Items.running(&task.id, vec![report], None),
            }
        }
    })
}

/// A failed question. The task is unknown only if the CDN itself refuses both questions; a bare
/// status may come from a proxy.
fn not_known(question: Question, task: &Task, refusal: Refusal) -> Result<Answer, ApiError> {
    let error = match refusal {
        Refusal::Ours(error) => error,
        // This may be the answer to an unknown id `[?]`; the other question may tell more.
        Refusal::Foreign(error) if error.effect == Effect::Step => {
            return match question {
                Question::Items => Ok(Question::Operation.running(&task.id, Vec::new(), AT_ONCE)),
                Question::Operation | Question::OperationOnly => Err(ApiError {
                    effect: Effect::InDoubt,
                    ..error
                }),
            };
        }
        Refusal::Foreign(error) => return Err(error),
    };
    let of_this_task = error.effect == Effect::Step || error.effect == Effect::Items;
    if !of_this_task || error.retry != RetryClass::Never {
        return Err(error);
    }
    match question {
        Question::Items => Ok(Question::OperationOnly.running(&task.id, Vec::new(), AT_ONCE)),
        // It lists some URLs, or none, and says nothing about the others.
        Question::Operation => {
            let rest = ItemReport::rest(Progress::Unknown);
            Ok(Question::Items.running(&task.id, vec![rest], None))
        }
        Question::OperationOnly => Err(ApiError {
            effect: Effect::Forgotten,
            ..error
        }),
    }
}

/// A list of URLs; empty, null and missing lists are the same. An item without a URL is left out, so the
/// URL it meant stays unreported.
fn items<'a>(
    body: &'a Value,
    name: &str,
    kind: TargetKind,
) -> impl Iterator<Item = ItemReport> + 'a {
    let list = field(body, &[name]).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(move |item| {
        // A text that is no URL cannot be one of ours.
        let target = Target::parse(kind, text(item, &["Url", "URL"])?).ok()?;
        let progress = text(item, &["Status"]).map_or(Progress::Unknown, progress);
        Some(ItemReport::item(item_key(&target), progress))
    })
}

/// Status words of query purge and of tasks `[D]`. One page prints `Succeeded`, the others `Succeed`, so
/// both are accepted, in any case.
fn progress(word: &str) -> Progress {
    match &*word.to_ascii_lowercase() {
        "succeed" | "succeeded" => Progress::Succeeded,
        "failed" => Progress::Failed,
        // `NotSet` means that the task is known but has not started; `Waiting` is documented for
        // preloads only.
        "running" | "processing" | "notset" | "waiting" => Progress::Running,
        _ => Progress::Unknown,
    }
}

/// Whether an id is safe in a path and in a message.
fn is_task_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_TASK_ID_BYTES
        && !id.chars().any(char::is_control)
        && id.bytes().any(|byte| byte != b'.')
}

pub(super) enum Refusal {
    Ours(ApiError),
    /// A status without the CDN's own error, or an unreadable answer: perhaps from a proxy.
    Foreign(ApiError),
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Ours(error) | Refusal::Foreign(error) => error,
        }
    }
}

pub(super) fn json(response: &Response) -> Result<Value, Refusal> {
    let value = DIALECT.json(response).map_err(Refusal::Foreign)?;
    let success = (200..=299).contains(&response.status);
    let info = field(&value, &["ErrorInfo"]).unwrap_or(&Value::Null);
    let kind = text(info, &["Type"]).filter(|kind| !kind.is_empty());
    let refused = match field(&value, &["Succeeded"]).and_then(boolean) {
        Some(succeeded) => !succeeded,
        None => kind.is_some(),
    };
    if refused || (!success && kind.is_some()) {
        let message = text(info, &["Message"]);
        return Err(Refusal::Ours(errors::refused(response, kind, message)));
    }
    match success {
        true => Ok(value),
        false => Err(Refusal::Foreign(DIALECT.by_status(response))),
    }
}

/// The first of these fields that is present and not null.
pub(super) fn field<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names
        .iter()
        .find_map(|name| value.get(name).filter(|found| !found.is_null()))
}

pub(super) fn text<'a>(value: &'a Value, names: &[&str]) -> Option<&'a str> {
    field(value, names)?.as_str()
}

/// A boolean, or the text that the documents print instead.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    value
        .as_bool()
        .or_else(|| value.as_str()?.to_ascii_lowercase().parse().ok())
}
