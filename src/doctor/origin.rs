//! Whether an origin that purges wait for can be asked.

use super::{Finding, Level, finding};
use crate::escape;
use crate::manifest::resource::Endpoint;
use crate::origin::{Expect, Settings};
use crate::transport::TransportError;
use crate::transport::fetch::Fetched;

/// Characters of a header that are shown.
const MAX_TEXT: usize = 120;

/// The file that names the release, or the root.
pub fn asked_path(settings: &Settings) -> &str {
    match &settings.expect {
        Expect::File { path, .. } => path,
        Expect::Content | Expect::Status | Expect::Header { .. } => "/",
    }
}

/// The finding about one URL that was requested from an endpoint's origin.
pub fn origin(
    endpoint: &Endpoint,
    settings: &Settings,
    url: &str,
    answer: Result<&Fetched, &TransportError>,
) -> Finding {
    let mut found = match answer {
        Err(error) => {
            let message = format!("{url} gives no answer: {}", error.brief());
            let remedy = "purges are held back until it answers; `spec.origin` of the endpoint says how it is reached";
            finding("origin", Level::Failed, message).remedy(remedy.to_owned())
        }
        Ok(fetched) => answered(settings, url, fetched),
    };
    found.endpoint = Some(endpoint.name.clone());
    found
}

fn answered(settings: &Settings, url: &str, fetched: &Fetched) -> Finding {
    let status = fetched.status;
    let answers = format!("{url} answers {status}");
    if matches!(status, 401 | 403 | 500..) {
        let remedy = "`spec.origin.headers` of the endpoint may hold what it wants".to_owned();
        return finding("origin", Level::Warning, answers).remedy(remedy);
    }
    match &settings.expect {
        Expect::Header { name, .. } => {
            let Some(value) = fetched.header(name) else {
                let message = format!("{answers} without `{name}`");
                let remedy = "let the origin send it with every answer".to_owned();
                return finding("origin", Level::Warning, message).remedy(remedy);
            };
            let value: String = escape::line(value).chars().take(MAX_TEXT).collect();
            let message = format!("{answers} with `{name}: {value}`");
            finding("origin", Level::Ok, message)
        }
        Expect::File { .. } if status != 200 => {
            let remedy = "deploy it with each release, last".to_owned();
            finding("origin", Level::Warning, answers).remedy(remedy)
        }
        Expect::Content | Expect::Status | Expect::File { .. } => {
            finding("origin", Level::Ok, answers)
        }
    }
}
