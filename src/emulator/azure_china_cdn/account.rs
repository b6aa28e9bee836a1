//! The emulated customers: keys, subscriptions and their endpoints.
//!
//! The default account has what each error type needs, so that a client can meet all errors without settings.
//! All ids are zero GUIDs.

use crate::secret::Secret;
use crate::word_enum::word_enum;

pub const SUBSCRIPTION_ID: &str = "00000000-0000-0000-0000-000000000001";
pub const ENDPOINT_ID: &str = "00000000-0000-0000-0000-000000000002";
pub const OTHER_SUBSCRIPTION_ID: &str = "00000000-0000-0000-0000-000000000004";
pub const OTHER_ENDPOINT_ID: &str = "00000000-0000-0000-0000-000000000005";
/// An endpoint of the first subscription whose domain has no ICP verification.
pub const INACTIVE_ENDPOINT_ID: &str = "00000000-0000-0000-0000-000000000006";
/// The key with all permissions for the first subscription.
pub const KEY_ID: &str = "00000000-0000-0000-0000-0000000000aa";
pub const READ_ONLY_KEY_ID: &str = "00000000-0000-0000-0000-0000000000ab";
pub const DISABLED_KEY_ID: &str = "00000000-0000-0000-0000-0000000000ac";
pub const OTHER_KEY_ID: &str = "00000000-0000-0000-0000-0000000000ad";
pub const KEY_VALUE: &str = "not-a-real-key";

/// Everything the service knows about its customers. Ids are GUIDs, in either case.
#[derive(Debug, Clone)]
pub struct Account {
    pub keys: Vec<AccountKey>,
    /// Endpoints of all subscriptions, in list order.
    pub endpoints: Vec<AccountEndpoint>,
}

impl Default for Account {
    fn default() -> Self {
        let key = |id: &str, subscription: &str, rights| AccountKey {
            id: id.to_owned(),
            value: Secret::new(KEY_VALUE),
            subscription: subscription.to_owned(),
            rights,
        };
        let endpoint = AccountEndpoint::new;
        Self {
            keys: vec![
                key(KEY_ID, SUBSCRIPTION_ID, Rights::ReadWrite),
                key(READ_ONLY_KEY_ID, SUBSCRIPTION_ID, Rights::ReadOnly),
                key(DISABLED_KEY_ID, SUBSCRIPTION_ID, Rights::None),
                key(OTHER_KEY_ID, OTHER_SUBSCRIPTION_ID, Rights::ReadWrite),
            ],
            endpoints: vec![
                endpoint(SUBSCRIPTION_ID, ENDPOINT_ID, "www.example.com"),
                AccountEndpoint {
                    lifetime: Lifetime::AwaitingIcp,
                    ..endpoint(SUBSCRIPTION_ID, INACTIVE_ENDPOINT_ID, "new.example.com")
                },
                endpoint(OTHER_SUBSCRIPTION_ID, OTHER_ENDPOINT_ID, "www.example.org"),
            ],
        }
    }
}

impl Account {
    pub(super) fn key(&self, id: &str) -> Option<&AccountKey> {
        self.keys.iter().find(|key| key.id.eq_ignore_ascii_case(id))
    }

    pub(super) fn endpoint(&self, id: &str) -> Option<&AccountEndpoint> {
        let mut endpoints = self.endpoints.iter();
        endpoints.find(|endpoint| endpoint.id.eq_ignore_ascii_case(id))
    }

    /// A subscription without endpoints does not exist.
    pub(super) fn endpoints_of(&self, subscription: &str) -> Vec<&AccountEndpoint> {
        let endpoints = self.endpoints.iter();
        endpoints
            .filter(|endpoint| endpoint.subscription.eq_ignore_ascii_case(subscription))
            .collect()
    }

    /// Makes all endpoints accept only URLs of these hosts; see [`AccountEndpoint::hosts`].
    pub fn set_hosts(&mut self, hosts: &[&str]) {
        for endpoint in &mut self.endpoints {
            endpoint.hosts = hosts.iter().map(|&host| host.to_owned()).collect();
            if let Some(host) = hosts.iter().find(|host| !host.contains('*')) {
                (*host).clone_into(&mut endpoint.custom_domain);
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct AccountKey {
    pub id: String,
    /// The signing key; its UTF-8 bytes are used `[D]`.
    pub value: Secret,
    pub subscription: String,
    pub rights: Rights,
}

/// What a key may do `[D]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    ReadOnly,
    /// `GET` and `POST`.
    ReadWrite,
    /// Disabled; answers `InvalidApiKey` `[?]`.
    None,
}

#[derive(Debug, Clone)]
pub struct AccountEndpoint {
    pub subscription: String,
    pub id: String,
    /// The domain in lists; may be a wildcard.
    pub custom_domain: String,
    /// Hosts whose URLs it accepts, without port: `*` is any host, `*.example.com` any subdomain; the URL must
    /// have a host `[D]`. Any host by default, so that an edge on a local address can be purged.
    pub hosts: Vec<String>,
    pub lifetime: Lifetime,
}

impl AccountEndpoint {
    pub fn new(subscription: &str, id: &str, custom_domain: &str) -> Self {
        Self {
            subscription: subscription.to_owned(),
            id: id.to_owned(),
            custom_domain: custom_domain.to_owned(),
            hosts: vec!["*".to_owned()],
            lifetime: Lifetime::Active,
        }
    }

    /// The host is in lower case. A wildcard is not a host.
    pub(super) fn serves(&self, host: &str) -> bool {
        let serves = |pattern: &String| match pattern.to_ascii_lowercase().strip_prefix('*') {
            Some(tail) => host.ends_with(tail) && (tail.is_empty() || host.len() > tail.len()),
            None => host.eq_ignore_ascii_case(pattern),
        };
        !host.contains('*') && self.hosts.iter().any(serves)
    }
}

word_enum! {
    /// Purges need `Active`; otherwise the answer is `EndpointNotInActiveState`.
    pub enum Lifetime {
        Active = "active",
        Disabled = "disabled",
        /// Its domain has no ICP verification, so it cannot be purged `[D/I]`.
        AwaitingIcp = "awaiting ICP verification",
    }
}
