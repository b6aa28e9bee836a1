//! The `azureChinaCdn` block of an `Endpoint`.

use crate::provider::CredentialRef;

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
