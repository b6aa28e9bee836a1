//! What the CDN says about its endpoints.

use serde_json::Value;

use super::answers::{boolean, field, json, text, unexpected};
use crate::provider::ApiError;
use crate::transport::Response;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointInfo {
    pub id: String,
    pub custom_domain: Option<String>,
    pub enabled: Option<bool>,
    /// The CDN's word for its lifecycle status.
    pub lifetime_status: Option<String>,
    /// The CDN's word for its ICP verification status.
    pub icp_status: Option<String>,
}

pub(super) fn one(response: &Response) -> Result<EndpointInfo, ApiError> {
    let body = json(response)?;
    endpoint_info(&body).ok_or_else(|| unexpected(response))
}

/// `EndpointID`, `Setting` and boolean texts are documented; `EndpointId`, `Settings` and real
/// booleans were seen `[O]`. `None` without an id.
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
