//! The `cloudfront` block of an `Endpoint`.

use crate::credential::CredentialRef;
use crate::credential::reference::reference;
use crate::field::{Fields, Shape, api_url, block, field, nested, parsed, text, wrong};

/// The default `apiUrl` `[D]`.
pub const DEFAULT_API_URL: &str = "https://cloudfront.amazonaws.com";

/// Name of the credentials that are found as the AWS command line does.
pub const CHAIN: &str = "chain";

/// Names of the parts of an access key.
pub const ACCESS_KEY_ID: &str = "accessKeyId";
pub const SECRET_ACCESS_KEY: &str = "secretAccessKey";
pub const SESSION_TOKEN: &str = "sessionToken";

/// Longest id; real ones have 14 characters `[O]`.
const MAX_ID_CHARS: usize = 64;

block! {
    /// Amazon CloudFront: the caches of a distribution.
    #[derive(PartialEq, Eq)]
    pub struct Config(ConfigDraft) {
        /// Id of the distribution, as in `E2EXAMPLE1EXAMPLE`; not its domain name.
        distribution_id: String = field("distributionId", id()),
        /// Base URL of the API: https, or http to this machine. In the China regions it is `https://cloudfront.cn-northwest-1.amazonaws.com.cn`.
        api_url: String = field("apiUrl", api_url()).or(DEFAULT_API_URL.to_owned()),
        /// How to authenticate: exactly one way.
        credentials: Ways = field("credentials", nested()),
    }
}

block! {
    /// How to authenticate: exactly one way.
    #[derive(PartialEq, Eq)]
    pub struct Ways(WaysDraft, check_ways) {
        /// Whatever the AWS command line would use: environment, web identity, profile (also with SSO, a process or a role), or the role of a container or machine.
        chain: Option<Chain> = field("chain", nested()).choice(),
        /// An access key.
        keys: Option<Keys> = field("keys", nested()).choice(),
    }
}

block! {
    /// Whatever the AWS command line would use.
    #[derive(PartialEq, Eq)]
    pub struct Chain(ChainDraft) {
        /// Name of a profile; then nothing else is tried. Default: the first key that is found.
        profile: Option<String> = field("profile", text()).optional(),
    }
}

block! {
    /// An access key.
    #[derive(PartialEq, Eq)]
    pub struct Keys(KeysDraft) {
        /// Id of the access key. A reference, never the credential itself.
        access_key_id: CredentialRef = field(ACCESS_KEY_ID, reference("AWS_ACCESS_KEY_ID")),
        /// Its secret. A reference, never the credential itself.
        secret_access_key: CredentialRef = field(SECRET_ACCESS_KEY, reference("AWS_SECRET_ACCESS_KEY")),
        /// The session token, for a temporary key. A reference, never the credential itself.
        session_token: Option<CredentialRef> = field(SESSION_TOKEN, reference("AWS_SESSION_TOKEN")).optional(),
    }
}

/// Suffix of API hosts in the China partition.
const CHINA: &str = ".amazonaws.com.cn";

impl Config {
    pub(super) fn is_china(&self) -> bool {
        self.api_url.ends_with(CHINA)
    }

    /// The region that requests are signed for: the one in the API's host `[O]`.
    pub(super) fn region(&self) -> &str {
        let host = self.api_url.strip_suffix(CHINA);
        host.and_then(|host| host.rsplit('.').next())
            .unwrap_or("us-east-1")
    }
}

fn check_ways(_: &WaysDraft, fields: &Fields<'_>) {
    fields.exactly_one(&["chain", "keys"], None);
}

pub(super) fn is_id(text: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn id() -> Shape<String> {
    parsed("id", |text| match is_id(text) {
        true => Ok(text.to_owned()),
        false => Err(wrong(
            "expected an id of letters and digits",
            "copy the distribution's id, which starts with `E`; its domain name is not its id",
        )),
    })
    .pattern("^[A-Za-z0-9]{1,64}$")
}
