//! The `azureChinaCdn` block of an `Endpoint`.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

use crate::credential::CredentialRef;
use crate::credential::reference::{credential, credential_schema};
use crate::url::CdnUrl;
use crate::url::UrlError;
use crate::yaml::fields::Fields;
use crate::yaml::value::Value;

/// Where the classic service was; the default `apiUrl` `[D]`.
pub const DEFAULT_API_URL: &str = "https://restapi.cdn.azure.cn";

/// A validated `azureChinaCdn` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Lower-case GUID: samples disagree on case, and signatures cover the path.
    pub subscription_id: String,
    /// Lower-case GUID.
    pub endpoint_id: String,
    /// Base URL without a trailing slash; https, or http to loopback.
    pub api_url: String,
    /// Reference to the id of the key.
    pub key_id: CredentialRef,
    /// Reference to the value of the key.
    pub key_value: CredentialRef,
}

/// Reads the block; `None` after problems were reported.
pub fn read(fields: &mut Fields<'_>) -> Option<Config> {
    let subscription_id = fields.required("subscriptionId").and_then(read_guid);
    let endpoint_id = fields.required("endpointId").and_then(read_guid);
    let api_url = match fields.optional("apiUrl") {
        Some(value) => read_api_url(value),
        None => Some(DEFAULT_API_URL.to_owned()),
    };
    let credentials = fields.required("credentials");
    let keys = credentials.and_then(|value| value.mapping(read_keys));
    let (key_id, key_value) = keys?;
    Some(Config {
        subscription_id: subscription_id?,
        endpoint_id: endpoint_id?,
        api_url: api_url?,
        key_id: key_id?,
        key_value: key_value?,
    })
}

fn read_keys(fields: &mut Fields<'_>) -> (Option<CredentialRef>, Option<CredentialRef>) {
    let id = fields.required("keyId");
    let value = fields.required("keyValue");
    (
        id.and_then(|id| credential(id, "AZURE_CDN_KEY_ID")),
        value.and_then(|value| credential(value, "AZURE_CDN_KEY_VALUE")),
    )
}

fn read_guid(value: Value<'_>) -> Option<String> {
    let text = value.text()?;
    if is_guid(text) {
        return Some(text.to_ascii_lowercase());
    }
    let bare = text.trim_matches(['{', '}', '(', ')']);
    let hint = if is_guid(bare) {
        "write it without brackets".to_owned()
    } else {
        "32 hexadecimal digits, as in `00000000-0000-0000-0000-000000000001`".to_owned()
    };
    value.push(value.problem("this is not a GUID").hint(hint));
    None
}

/// Digits in groups of 8, 4, 4, 4 and 12: the only form that paths have `[D]`.
fn is_guid(text: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let mut groups = text.split('-');
    let fit = GROUPS.iter().all(|length| {
        groups.next().is_some_and(|group| {
            group.len() == *length && group.bytes().all(|b| b.is_ascii_hexdigit())
        })
    });
    fit && groups.next().is_none()
}

fn read_api_url(value: Value<'_>) -> Option<String> {
    let text = value.text()?;
    let url = match CdnUrl::parse(text) {
        Ok(url) => url,
        Err(error) => {
            if UrlError::may_hold_password(text) {
                value.mask();
            }
            value.push(value.problem(format!("`apiUrl`: {error}")));
            return None;
        }
    };
    if url.path_and_query() != "/" {
        let message = "`apiUrl` has a path or a query: only scheme, host and port are its own";
        value.push(value.problem(message));
        return None;
    }
    if url.as_str().starts_with("http://") && !is_loopback(url.host()) {
        let message = "`apiUrl` must start with `https://`: plain http is for this machine only";
        value.push(value.problem(message));
        return None;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// JSON schema (draft-07) of the block.
pub fn schema() -> Json {
    let guid = |what: &str| {
        json!({
            "description": what,
            "type": "string",
            "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
        })
    };
    json!({
        "description": "Azure China CDN (21Vianet), classic REST API.",
        "type": "object",
        "additionalProperties": false,
        "required": ["subscriptionId", "endpointId", "credentials"],
        "properties": {
            "subscriptionId": guid("GUID of the subscription."),
            "endpointId": guid("GUID of the CDN endpoint."),
            "apiUrl": {
                "description": "Base URL of the API: https, or http to this machine.",
                "type": "string",
                "pattern": "^[hH][tT][tT][pP][sS]?://[^/?#@]+/?$",
                "default": DEFAULT_API_URL
            },
            "credentials": {
                "description": "Where the key is read from.",
                "type": "object",
                "additionalProperties": false,
                "required": ["keyId", "keyValue"],
                "properties": {
                    "keyId": credential_schema("The key's id."),
                    "keyValue": credential_schema("The key's value.")
                }
            }
        }
    })
}
