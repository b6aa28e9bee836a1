//! Who has what: keys, subscriptions and their endpoints.
//!
//! The default account has one of each kind that some error type needs, so that a client can meet
//! all of them without any settings; all ids are zero GUIDs.

use std::fmt;

use crate::secret::Secret;

/// The subscription of the default account.
pub const SUBSCRIPTION_ID: &str = "00000000-0000-0000-0000-000000000001";
/// The endpoint of the default account.
pub const ENDPOINT_ID: &str = "00000000-0000-0000-0000-000000000002";
/// A second subscription, to be refused as somebody else's.
pub const OTHER_SUBSCRIPTION_ID: &str = "00000000-0000-0000-0000-000000000004";
/// The endpoint of the second subscription.
pub const OTHER_ENDPOINT_ID: &str = "00000000-0000-0000-0000-000000000005";
/// An endpoint of the first subscription whose domain has no ICP verification.
pub const INACTIVE_ENDPOINT_ID: &str = "00000000-0000-0000-0000-000000000006";
/// The key that may do everything in the first subscription.
pub const KEY_ID: &str = "00000000-0000-0000-0000-0000000000aa";
/// A key that may only read.
pub const READ_ONLY_KEY_ID: &str = "00000000-0000-0000-0000-0000000000ab";
/// A key that was switched off.
pub const DISABLED_KEY_ID: &str = "00000000-0000-0000-0000-0000000000ac";
/// A key of the second subscription.
pub const OTHER_KEY_ID: &str = "00000000-0000-0000-0000-0000000000ad";
/// The value of all these keys.
pub const KEY_VALUE: &str = "not-a-real-key";

/// Everything the emulated service knows of its customers.
#[derive(Debug, Clone)]
pub struct Account {
    /// Keys of all subscriptions.
    pub keys: Vec<Key>,
    /// Subscriptions with their endpoints.
    pub subscriptions: Vec<Subscription>,
}

impl Default for Account {
    fn default() -> Self {
        let key = |id: &str, subscription: &str, rights, enabled| Key {
            id: id.to_owned(),
            value: Secret::new(KEY_VALUE),
            subscription: subscription.to_owned(),
            rights,
            enabled,
        };
        Self {
            keys: vec![
                key(KEY_ID, SUBSCRIPTION_ID, Rights::ReadWrite, true),
                key(READ_ONLY_KEY_ID, SUBSCRIPTION_ID, Rights::ReadOnly, true),
                key(DISABLED_KEY_ID, SUBSCRIPTION_ID, Rights::ReadWrite, false),
                key(OTHER_KEY_ID, OTHER_SUBSCRIPTION_ID, Rights::ReadWrite, true),
            ],
            subscriptions: vec![
                Subscription {
                    id: SUBSCRIPTION_ID.to_owned(),
                    endpoints: vec![
                        Endpoint::new(ENDPOINT_ID, "www.example.com"),
                        Endpoint {
                            lifetime: Lifetime::AwaitingIcp,
                            ..Endpoint::new(INACTIVE_ENDPOINT_ID, "new.example.com")
                        },
                    ],
                },
                Subscription {
                    id: OTHER_SUBSCRIPTION_ID.to_owned(),
                    endpoints: vec![Endpoint::new(OTHER_ENDPOINT_ID, "www.example.org")],
                },
            ],
        }
    }
}

impl Account {
    /// The key of that id, whatever the case of the GUID.
    pub(super) fn key(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id.eq_ignore_ascii_case(id))
    }

    /// The subscription of that id.
    pub(super) fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions
            .iter()
            .find(|subscription| subscription.id.eq_ignore_ascii_case(id))
    }

    /// Whether any subscription has that endpoint.
    pub(super) fn has_endpoint(&self, id: &str) -> bool {
        self.subscriptions
            .iter()
            .any(|subscription| subscription.endpoint(id).is_some())
    }

    /// Lets the endpoints of every subscription accept URLs of these hosts only; see
    /// [`Endpoint::hosts`].
    pub fn set_hosts(&mut self, hosts: &[&str]) {
        for subscription in &mut self.subscriptions {
            for endpoint in &mut subscription.endpoints {
                endpoint.hosts = hosts.iter().map(|&host| host.to_owned()).collect();
            }
        }
    }
}

/// A key that signs requests.
#[derive(Debug, Clone)]
pub struct Key {
    /// The id in the `Authorization` header.
    pub id: String,
    /// What signs; taken as UTF-8 bytes `[D]`.
    pub value: Secret,
    /// The subscription it belongs to.
    pub subscription: String,
    /// What it may do.
    pub rights: Rights,
    /// A key that is switched off answers `InvalidApiKey` `[?]`.
    pub enabled: bool,
}

/// What a key may do `[D]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// `GET`.
    ReadOnly,
    /// `GET` and `POST`.
    ReadWrite,
}

/// A subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Its GUID.
    pub id: String,
    /// Its endpoints, in the order in which they are listed.
    pub endpoints: Vec<Endpoint>,
}

impl Subscription {
    /// The endpoint of that id.
    pub(super) fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.id.eq_ignore_ascii_case(id))
    }
}

/// An endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its GUID.
    pub id: String,
    /// The domain it is listed with; may be a wildcard domain.
    pub custom_domain: String,
    /// Hosts whose URLs it accepts, without port: `*` is any host, `*.example.com` any sub-domain,
    /// and the URL must name one `[D]`. The default is any host, so that an edge on a local address
    /// can be purged.
    pub hosts: Vec<String>,
    /// Where it is in its life.
    pub lifetime: Lifetime,
}

impl Endpoint {
    /// An active endpoint for any host.
    pub fn new(id: &str, custom_domain: &str) -> Self {
        Self {
            id: id.to_owned(),
            custom_domain: custom_domain.to_owned(),
            hosts: vec!["*".to_owned()],
            lifetime: Lifetime::Active,
        }
    }

    /// Whether a URL of that (lower-case) host is this endpoint's. A wildcard is never a host.
    pub(super) fn serves(&self, host: &str) -> bool {
        !host.contains('*')
            && self.hosts.iter().any(|pattern| {
                let pattern = pattern.to_ascii_lowercase();
                match pattern.strip_prefix('*') {
                    Some("") => true,
                    Some(tail) => host.len() > tail.len() && host.ends_with(tail),
                    None => host == pattern,
                }
            })
    }
}

/// Where an endpoint is in its life. Purges need `Active`, anything else answers
/// `EndpointNotInActiveState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// It serves.
    Active,
    /// It was switched off.
    Disabled,
    /// Its domain has no ICP verification, so it cannot be purged `[D/I]`.
    AwaitingIcp,
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::AwaitingIcp => "awaiting ICP verification",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_domain_wants_its_sub_domain_named() {
        let mut endpoint = Endpoint::new(ENDPOINT_ID, "*.example.com");
        endpoint.hosts = vec!["*.Example.com".into()];
        assert!(endpoint.serves("a.example.com"));
        assert!(!endpoint.serves("example.com"));
        assert!(!endpoint.serves("*.example.com"));
        assert!(!endpoint.serves("badexample.com"));
        assert!(!endpoint.serves(".example.com"));
    }
}
