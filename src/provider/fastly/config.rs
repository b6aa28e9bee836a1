//! The `fastly` block of an `Endpoint`.

use crate::credential::CredentialRef;
use crate::credential::reference::reference;
use crate::field::{Shape, api_url, block, boolean, field, nested, parsed, wrong};

/// The default `apiUrl` `[D]`.
pub const DEFAULT_API_URL: &str = "https://api.fastly.com";

pub const API_TOKEN: &str = "apiToken";

/// Longest id of a service; real ones have 22 characters `[O]`.
const MAX_ID_CHARS: usize = 64;

block! {
    /// Fastly: a service, in whatever version it is.
    #[derive(PartialEq, Eq)]
    pub struct Config(ConfigDraft) {
        /// Id of the service, letters and digits; not its name.
        service_id: String = field("serviceId", id()),
        /// Whether files and tags are marked as stale (soft purge), so that the next request revalidates. `everything` is always
        /// removed.
        soft: bool = field("soft", boolean()).or(false),
        /// Whether the service has a shield. The shield may refill the edge with purged content, so each purge is sent twice: 2 s apart, `everything` 30 s
        /// apart.
        shielding: bool = field("shielding", boolean()).or(false),
        /// Base URL of the API: https, or http to this machine.
        api_url: String = field("apiUrl", api_url()).or(DEFAULT_API_URL.to_owned()),
        /// Where to read the token from.
        credentials: Token = field("credentials", nested()),
    }
}

block! {
    /// A reference to an API token.
    #[derive(PartialEq, Eq)]
    pub struct Token(TokenDraft) {
        /// An API token with the scope `purge_select`, and `purge_all` for everything. A reference, never the credential itself.
        api_token: CredentialRef = field(API_TOKEN, reference("FASTLY_API_TOKEN")),
    }
}

fn id() -> Shape<String> {
    let is_id = |text: &str| {
        (1..=MAX_ID_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    parsed("id", move |text| match is_id(text) {
        true => Ok(text.to_owned()),
        false => Err(wrong(
            "expected the id of a service: letters and digits",
            "copy the id from the service's page; its name is not its id",
        )),
    })
    .pattern("^[0-9A-Za-z]{1,64}$")
}
