//! The `cloudflare` block of an `Endpoint`.

use std::collections::BTreeMap;

use crate::credential::CredentialRef;
use crate::credential::reference::reference;
use crate::field::{
    Shape, api_url_before, block, field, headers, list_of, nested, one_of, parsed, wrong,
};
use crate::word_enum::word_enum;

/// The default `apiUrl` `[D]`.
pub const DEFAULT_API_URL: &str = "https://api.cloudflare.com";

/// The prefix of every path of the API `[D]`.
pub(super) const BASE_PATH: &str = "/client/v4";

pub const API_TOKEN: &str = "apiToken";

/// Longest id, in characters `[D]`.
const MAX_ID_CHARS: usize = 32;

/// Variants of one file: a request holds 100 items, and a dozen device and language pairs are already many.
const MAX_VARIANTS: usize = 50;

block! {
    /// Cloudflare: the cache of a zone, or of one of its environments.
    #[derive(PartialEq, Eq)]
    pub struct Config(ConfigDraft) {
        /// Id of the zone, 32 hexadecimal digits; not its name.
        zone_id: String = field("zoneId", id()),
        /// Id (`ref`) of one environment of the zone. Default: the zone's production.
        environment_id: Option<String> = field("environmentId", id()).optional(),
        /// The zone's plan. It sets the default limits.
        plan: Plan = field("plan", one_of(Plan::WORDS)).or(Plan::Free),
        /// `delete` removes; `invalidate` marks as stale, so that the next request revalidates.
        mode: Mode = field("mode", one_of(Mode::WORDS)).or(Mode::Delete),
        /// Request headers that are part of the cache key of files, such as `CF-Device-Type` or `Origin`. Each file is purged once with each of these sets.
        variants: Vec<BTreeMap<String, String>> = field("variants", variants()).or(Vec::new()),
        /// Base URL of the API: https, or http to this machine.
        api_url: String = field("apiUrl", api_url_before(BASE_PATH)).or(DEFAULT_API_URL.to_owned()),
        /// Where to read the token from.
        credentials: Token = field("credentials", nested()),
    }
}

block! {
    /// A reference to an API token.
    #[derive(PartialEq, Eq)]
    pub struct Token(TokenDraft) {
        /// An API token with the permission Zone, Cache Purge. A reference, never the credential itself.
        api_token: CredentialRef = field(API_TOKEN, reference("CLOUDFLARE_API_TOKEN")),
    }
}

word_enum! {
    pub enum Plan {
        Free = "free",
        Pro = "pro",
        Business = "business",
        Enterprise = "enterprise",
    }
}

word_enum! {
    pub enum Mode {
        Delete = "delete",
        Invalidate = "invalidate",
    }
}

/// A zone's name is the usual mistake and has its own message.
fn id() -> Shape<String> {
    let is_id = |text: &str| {
        (1..=MAX_ID_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
    };
    parsed("id", move |text| match is_id(text) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(wrong(
            "expected an id of up to 32 hexadecimal digits",
            "copy the id from the zone's overview page; its name, such as `example.com`, is not its id",
        )),
    })
    .pattern("^[0-9a-fA-F]{1,32}$")
}

fn variants() -> Shape<Vec<BTreeMap<String, String>>> {
    let hint = "remove sets: each one is an item of the request";
    list_of(headers(), 0..=MAX_VARIANTS, hint)
}
