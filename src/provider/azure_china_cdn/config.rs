//! The `azureChinaCdn` block of an `Endpoint`.

use crate::credential::CredentialRef;
use crate::credential::reference::reference;
use crate::field::{api_url, block, field, guid, nested};

/// The default `apiUrl` `[D]`.
pub const DEFAULT_API_URL: &str = "https://restapi.cdn.azure.cn";

pub const KEY_ID: &str = "keyId";
pub const KEY_VALUE: &str = "keyValue";

// GUIDs are stored in lower case: samples disagree on case, and signatures cover the path.
block! {
    /// Azure China CDN (21Vianet), classic REST API.
    #[derive(PartialEq, Eq)]
    pub struct Config(ConfigDraft) {
        /// GUID of the subscription.
        subscription_id: String = field("subscriptionId", guid()),
        /// GUID of the CDN endpoint.
        endpoint_id: String = field("endpointId", guid()),
        /// Base URL of the API: https, or http to this machine.
        api_url: String = field("apiUrl", api_url()).or(DEFAULT_API_URL.to_owned()),
        /// Where to read the key from.
        credentials: Keys = field("credentials", nested()),
    }
}

block! {
    /// References to a key.
    #[derive(PartialEq, Eq)]
    pub struct Keys(KeysDraft) {
        /// The key's id. A reference, never the credential itself.
        key_id: CredentialRef = field(KEY_ID, reference("AZURE_CDN_KEY_ID")),
        /// The key's value. A reference, never the credential itself.
        key_value: CredentialRef = field(KEY_VALUE, reference("AZURE_CDN_KEY_VALUE")),
    }
}
