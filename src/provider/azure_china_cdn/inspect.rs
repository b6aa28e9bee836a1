//! What the CDN says about an endpoint.

use serde_json::Value;

use super::answers::{boolean, field, json, text};
use super::errors::DIALECT;
use crate::provider::{ApiError, Inspection};
use crate::transport::Response;

/// `EndpointID`, `Setting` and boolean texts are documented; `EndpointId`, `Settings` and real booleans were
/// seen `[O]`. Without an id it is no endpoint.
pub(super) fn inspected(response: &Response) -> Result<Inspection, ApiError> {
    let body = json(response)?;
    if text(&body, &["EndpointId", "EndpointID"]).is_none() {
        return Err(DIALECT.unexpected(response));
    }
    let status = field(&body, &["Status"]).unwrap_or(&Value::Null);
    let settings = field(&body, &["Settings", "Setting"]).unwrap_or(&Value::Null);
    let host = text(settings, &["CustomDomain"]);
    let words = [
        ("lifetime", text(status, &["LifetimeStatus"])),
        (
            "ICP verification",
            text(status, &["IcpVerifyStatus", "ICPVerifyStatus"]),
        ),
    ];
    let words = words
        .into_iter()
        .filter_map(|(of, word)| Some(format!("{of} {}", word?)));
    Ok(Inspection {
        enabled: field(status, &["Enabled"]).and_then(boolean),
        hosts: host.map(ToOwned::to_owned).into_iter().collect(),
        words: words.collect(),
        ..Inspection::default()
    })
}
