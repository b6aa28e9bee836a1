//! Reading answers of the classic API, forgivingly: field names in every spelling that was
//! documented or seen, unknown fields ignored, wrong types taken as absent. Never forgiving about
//! success: only a documented word is one.

use serde_json::Value;

use super::errors;
use crate::entry::TargetKind;
use crate::operation::Task;
use crate::provider::excerpt::excerpt;
use crate::provider::{ApiError, EndpointInfo, Inquiry, ItemReport, Progress, Report, Submission};
use crate::transport::Response;

/// Longest tracking id taken, in bytes. A GUID has 36; the id goes into paths and the state.
const MAX_TASK_ID_BYTES: usize = 256;

/// The answer to add purge: `202` and an id `[D]`. Another 2xx counts too if it brings an id.
pub(super) fn submitted(response: &Response) -> Result<Submission, ApiError> {
    let body = json(response)?;
    let info = field(&body, &["AsyncInfo"]).unwrap_or(&Value::Null);
    let id = text(info, &["TaskTrackId", "TaskTrackID"])
        .map(str::trim)
        .filter(|id| is_task_id(id))
        .ok_or_else(|| {
            let what = "the answer to a purge has no usable `TaskTrackId`";
            errors::unreadable(response, what, false)
        })?;
    let settled = match text(info, &["TaskStatus"]).map_or(Progress::Unknown, progress) {
        Progress::Succeeded | Progress::Failed => true,
        Progress::Running | Progress::Unknown => false,
    };
    Ok(Submission::Accepted {
        task: Task {
            id: id.to_owned(),
            details: Value::Null,
        },
        settled,
    })
}

/// The answer to query purge or get operation.
pub(super) fn reported(inquiry: Inquiry, response: &Response) -> Result<Report, ApiError> {
    let body = json(response)?;
    if !body.is_object() {
        return Err(unexpected(response));
    }
    Ok(match inquiry {
        Inquiry::Items => {
            let files = items(&body, "Files", TargetKind::File);
            Report::Items(
                files
                    .chain(items(&body, "Directories", TargetKind::Directory))
                    .collect(),
            )
        }
        Inquiry::Overall => Report::Overall {
            progress: text(&body, &["Status"]).map_or(Progress::Unknown, progress),
            message: text(&body, &["Message"])
                .map(excerpt)
                .filter(|message| !message.is_empty()),
        },
    })
}

/// The answer to list endpoints: a plain array `[D]`.
pub(super) fn endpoints(response: &Response) -> Result<Vec<EndpointInfo>, ApiError> {
    let body = json(response)?;
    let list = body.as_array().ok_or_else(|| unexpected(response))?;
    Ok(list.iter().filter_map(endpoint_info).collect())
}

/// The answer to get endpoint.
pub(super) fn endpoint(response: &Response) -> Result<EndpointInfo, ApiError> {
    let body = json(response)?;
    endpoint_info(&body).ok_or_else(|| unexpected(response))
}

/// `EndpointID`, `Setting` and string booleans are documented; `EndpointId`, `Settings` and real
/// booleans were seen `[O]`. Something without an id is no endpoint.
fn endpoint_info(value: &Value) -> Option<EndpointInfo> {
    let status = field(value, &["Status"]).unwrap_or(&Value::Null);
    let settings = field(value, &["Settings", "Setting"]).unwrap_or(&Value::Null);
    let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
    Some(EndpointInfo {
        id: text(value, &["EndpointId", "EndpointID"])?.to_owned(),
        custom_domain: owned(text(settings, &["CustomDomain"])),
        enabled: field(status, &["Enabled"]).and_then(boolean),
        lifetime_status: owned(text(status, &["LifetimeStatus"])),
        icp_status: owned(text(status, &["IcpVerifyStatus", "ICPVerifyStatus"])),
    })
}

/// A list of URLs; an empty, a null and an absent one are the same. An item without a URL says
/// nothing about any URL and is left out, so the URL it meant stays unreported.
fn items<'a>(
    body: &'a Value,
    name: &str,
    kind: TargetKind,
) -> impl Iterator<Item = ItemReport> + 'a {
    let list = field(body, &[name]).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(move |item| {
        Some(ItemReport {
            kind,
            url: text(item, &["Url", "URL"])?.to_owned(),
            progress: text(item, &["Status"]).map_or(Progress::Unknown, progress),
        })
    })
}

/// Words of query purge and of tasks alike `[D]`; one page prints `Succeeded` where the others
/// print `Succeed`, so both are read everywhere. Case tells nothing apart, so it does not matter.
fn progress(word: &str) -> Progress {
    const WORDS: [(&str, Progress); 7] = [
        ("Succeed", Progress::Succeeded),
        ("Succeeded", Progress::Succeeded),
        ("Failed", Progress::Failed),
        ("Running", Progress::Running),
        ("Processing", Progress::Running),
        // "State not set": the task is known and has not begun.
        ("NotSet", Progress::Running),
        // Documented for preloads only.
        ("Waiting", Progress::Running),
    ];
    WORDS
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map_or(Progress::Unknown, |(_, progress)| progress)
}

/// An id that can stand in a path without leading elsewhere, and in a message.
fn is_task_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_TASK_ID_BYTES
        && !id.chars().any(char::is_control)
        && id.bytes().any(|byte| byte != b'.')
}

/// The JSON of an answer that is neither a refusal nor unreadable.
fn json(response: &Response) -> Result<Value, ApiError> {
    let body = response.body.strip_prefix(b"\xef\xbb\xbf");
    let body = body.unwrap_or(&response.body);
    let parsed = serde_json::from_slice::<Value>(body);
    let success = (200..=299).contains(&response.status);
    match parsed {
        Ok(value) => {
            let info = field(&value, &["ErrorInfo"]).unwrap_or(&Value::Null);
            let kind = text(info, &["Type"]).filter(|kind| !kind.is_empty());
            let refused = match field(&value, &["Succeeded"]).and_then(boolean) {
                Some(succeeded) => !succeeded,
                None => kind.is_some(),
            };
            if refused || (!success && kind.is_some()) {
                return Err(errors::refused(response, kind, text(info, &["Message"])));
            }
            if success {
                Ok(value)
            } else {
                Err(errors::by_status(response))
            }
        }
        Err(_) if !success => Err(errors::by_status(response)),
        Err(error) => {
            let (what, cut_short) = match (body.trim_ascii_start().first(), error.is_eof()) {
                (None, _) => ("the answer is empty", true),
                (Some(b'<'), _) => ("the answer is a page instead of JSON", false),
                (Some(_), true) => ("the answer ends in the middle", true),
                (Some(_), false) => ("the answer is not JSON", false),
            };
            Err(errors::unreadable(response, what, cut_short))
        }
    }
}

fn unexpected(response: &Response) -> ApiError {
    errors::unreadable(response, "the answer is not what was asked for", false)
}

/// The first of these fields that is there and not null.
fn field<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names
        .iter()
        .find_map(|name| value.get(name).filter(|found| !found.is_null()))
}

fn text<'a>(value: &'a Value, names: &[&str]) -> Option<&'a str> {
    field(value, names)?.as_str()
}

/// A boolean, also as the text that the documents print.
fn boolean(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| {
        let word = value.as_str()?;
        let is = |expected: &str| word.eq_ignore_ascii_case(expected);
        (is("true") || is("false")).then(|| is("true"))
    })
}
