//! Parses answers of the classic API. Tolerant: accepts field names in every spelling that was
//! documented or seen, ignores unknown fields, and treats wrong types as missing. Strict about
//! success: only a documented word counts.

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
    // Already finished: poll without waiting.
    let is_over = match text(info, &["TaskStatus"]).map_or(Progress::Unknown, progress) {
        Progress::Succeeded | Progress::Failed => true,
        Progress::Running | Progress::Unknown => false,
    };
    Ok(Answer::Running {
        task: Question::Items.of(id.to_owned()),
        known: Vec::new(),
        ask_after: is_over.then_some(Duration::ZERO),
    })
}

/// What to ask about a task; kept in [`Task::details`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Question {
    /// Query purge: the progress of each URL.
    #[default]
    Items,
    /// Get operation: the progress of the whole task. Query purge listed some URLs, or none, so the
    /// CDN knows the task.
    Operation,
    /// The same, after query purge did not know the task.
    OperationOnly,
}

impl Question {
    pub(super) fn about(task: &Task) -> Self {
        Self::deserialize(&task.details).unwrap_or_default()
    }

    fn of(self, id: String) -> Task {
        let details = match self {
            Self::Items => Value::Null,
            // A word can always be serialised.
            Self::Operation | Self::OperationOnly => serde_json::to_value(self).unwrap_or_default(),
        };
        Task { id, details }
    }

    /// Polls again at once, because this answer does not tell everything.
    fn at_once(self, task: &Task, known: Vec<ItemReport>) -> Answer {
        Answer::Running {
            task: self.of(task.id.clone()),
            known,
            ask_after: Some(Duration::ZERO),
        }
    }
}

pub(super) fn polled(task: &Task, response: &Response) -> Result<Answer, ApiError> {
    let question = Question::about(task);
    let body = match json(response) {
        Ok(body) if body.is_object() => body,
        Ok(_) => return Err(unexpected(response)),
        Err(refusal) => return not_known(question, task, refusal),
    };
    let again = || Question::Items.of(task.id.clone());
    Ok(match question {
        Question::Items => {
            let files = items(&body, "Files", TargetKind::File);
            let known: Vec<_> = files
                .chain(items(&body, "Directories", TargetKind::Directory))
                .collect();
            // The list may be null, empty or incomplete [?]; the whole operation tells about the
            // rest. If no listed item is running, ask for it at once.
            let goes_on = |report: &ItemReport| match report.progress {
                Progress::Running | Progress::Unknown => true,
                Progress::Succeeded | Progress::Failed => false,
            };
            if known.iter().any(goes_on) {
                Answer::Running {
                    task: again(),
                    known,
                    ask_after: None,
                }
            } else {
                Question::Operation.at_once(task, known)
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
            match progress {
                Progress::Succeeded | Progress::Failed => Answer::Settled(vec![report]),
                Progress::Running | Progress::Unknown => Answer::Running {
                    task: again(),
                    known: vec![report],
                    ask_after: None,
                },
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
        Refusal::Foreign(error) if error.effect == Effect::Step => match question {
            Question::Items => return Ok(Question::Operation.at_once(task, Vec::new())),
            Question::Operation | Question::OperationOnly => {
                return Err(ApiError {
                    effect: Effect::InDoubt,
                    ..error
                });
            }
        },
        Refusal::Foreign(error) => return Err(error),
    };
    let of_this_task = error.effect == Effect::Step || error.effect == Effect::Items;
    if !of_this_task || error.retry != RetryClass::Never {
        return Err(error);
    }
    match question {
        Question::Items => Ok(Question::OperationOnly.at_once(task, Vec::new())),
        // It lists some URLs, or none, and says nothing about the others.
        Question::Operation => Ok(Answer::Running {
            task: Question::Items.of(task.id.clone()),
            known: vec![ItemReport::rest(Progress::Unknown)],
            ask_after: None,
        }),
        Question::OperationOnly => Err(ApiError {
            effect: Effect::Forgotten,
            ..error
        }),
    }
}

/// A list of URLs; empty, null and missing lists are the same. An item without a URL is left out,
/// so the URL it meant stays unreported.
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

/// Status words of query purge and of tasks `[D]`. One page prints `Succeeded`, the others
/// `Succeed`, so both are accepted, in any case.
fn progress(word: &str) -> Progress {
    const WORDS: [(&str, Progress); 7] = [
        ("Succeed", Progress::Succeeded),
        ("Succeeded", Progress::Succeeded),
        ("Failed", Progress::Failed),
        ("Running", Progress::Running),
        ("Processing", Progress::Running),
        // "State not set": the task is known but has not started.
        ("NotSet", Progress::Running),
        // Documented for preloads only.
        ("Waiting", Progress::Running),
    ];
    WORDS
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map_or(Progress::Unknown, |(_, progress)| progress)
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

/// The JSON of a successful, readable answer.
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

pub(super) fn unexpected(response: &Response) -> ApiError {
    DIALECT.unreadable(response, "the answer is not what was asked for", false)
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
    value.as_bool().or_else(|| {
        let word = value.as_str()?;
        let is = |expected: &str| word.eq_ignore_ascii_case(expected);
        (is("true") || is("false")).then(|| is("true"))
    })
}
