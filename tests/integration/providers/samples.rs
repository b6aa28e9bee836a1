//! One configured provider of each kind, and what its CDN answers when all goes well.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::{Target, TargetKind};
use purgit::provider::Provider;
use purgit::provider::azure_china_cdn::AzureChinaCdn;
use purgit::provider::azure_china_cdn::config::{Config, DEFAULT_API_URL, Keys};
use purgit::provider::cloudflare::{self, Cloudflare};
use purgit::secret::Secret;
use purgit::transport::Response;

use super::{response, targets};

pub(super) const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
pub(super) const ENDPOINT: &str = "00000000-0000-0000-0000-000000000002";
pub(super) const TASK: &str = "00000000-0000-0000-0000-000000000003";
pub(super) const KEY_ID: &str = "00000000-0000-0000-0000-0000000000aa";
pub(super) const KEY_VALUE: &str = "not-a-real-key";

/// A provider, what it can purge, and what its CDN answers when all of it goes well.
pub(super) struct Sample {
    pub(super) provider: Arc<dyn Provider>,
    /// At least two of each kind that it purges.
    pub(super) targets: Vec<Target>,
    /// What of a target tells it from others of its kind.
    pub(super) identity: fn(&Target) -> String,
    /// To a purge of the targets.
    pub(super) accepted: Response,
    /// To one question after the other.
    pub(super) reported: Vec<Response>,
}

/// The sample of a registered kind of CDN.
pub(super) fn sample(name: &str) -> Sample {
    match name {
        "azure-china-cdn" => Sample {
            provider: Arc::new(azure(DEFAULT_API_URL)),
            targets: [
                targets(
                    TargetKind::File,
                    &["https://www.example.com/a", "https://www.example.com/b?c=d"],
                ),
                targets(
                    TargetKind::Directory,
                    &["https://www.example.com/", "https://www.example.com/e/"],
                ),
            ]
            .concat(),
            identity: Target::to_string,
            accepted: response(
                202,
                r#"{"Succeeded":true,"IsAsync":true,"AsyncInfo":{"TaskTrackId":"00000000-0000-0000-0000-000000000003","TaskStatus":"Processing"}}"#,
            ),
            reported: vec![
                response(
                    200,
                    r#"{"Files":[{"Url":"https://www.example.com/a","Status":"Succeed"}],"Directories":[]}"#,
                ),
                response(
                    200,
                    r#"{"Id":"00000000-0000-0000-0000-000000000003","Type":"Purge","Status":"Succeeded","Message":null}"#,
                ),
            ],
        },
        "cloudflare" => Sample {
            provider: Arc::new(cloudflare()),
            targets: [
                targets(
                    TargetKind::File,
                    &["https://www.example.com/a", "http://www.example.com/a?b=c"],
                ),
                targets(
                    TargetKind::Directory,
                    &["https://www.example.com/", "https://www.example.com/e/"],
                ),
                targets(TargetKind::Tag, &["news", "sports"]),
                targets(TargetKind::Host, &["www.example.com", "img.example.com"]),
                targets(TargetKind::Everything, &[""]),
            ]
            .concat(),
            identity: |target| match target.kind() {
                TargetKind::Directory => target.as_str().replace("https://", "http://"),
                TargetKind::Tag => target.as_str().to_lowercase(),
                TargetKind::File | TargetKind::Host | TargetKind::Everything => target.to_string(),
            },
            accepted: response(
                200,
                r#"{"success":true,"errors":[],"messages":[],"result":{"id":"023e105f4ecef8ad9ca31a8372d0c353"}}"#,
            ),
            reported: Vec::new(),
        },
        other => panic!("add a sample of `{other}` to this file"),
    }
}

pub(super) const ZONE: &str = "023e105f4ecef8ad9ca31a8372d0c353";

/// On the plan Free, as the manifest's defaults are.
pub(super) fn cloudflare_config() -> cloudflare::config::Config {
    cloudflare::config::Config {
        zone_id: ZONE.to_owned(),
        environment_id: None,
        plan: cloudflare::config::Plan::Free,
        mode: cloudflare::config::Mode::Delete,
        variants: Vec::new(),
        api_url: cloudflare::config::DEFAULT_API_URL.to_owned(),
        credentials: cloudflare::config::Token {
            api_token: CredentialRef::Env("CLOUDFLARE_API_TOKEN".to_owned()),
        },
    }
}

fn cloudflare() -> Cloudflare {
    Cloudflare::new(cloudflare_config())
}

pub(super) fn azure(api_url: &str) -> AzureChinaCdn {
    AzureChinaCdn::new(Config {
        subscription_id: SUBSCRIPTION.to_owned(),
        endpoint_id: ENDPOINT.to_owned(),
        api_url: api_url.to_owned(),
        credentials: Keys {
            key_id: CredentialRef::Env("AZURE_CDN_KEY_ID".to_owned()),
            key_value: CredentialRef::Env("AZURE_CDN_KEY_VALUE".to_owned()),
        },
    })
}

pub(super) fn azure_credentials() -> Credentials {
    Credentials::new([
        ("keyId", Secret::new(KEY_ID)),
        ("keyValue", Secret::new(KEY_VALUE)),
    ])
}

/// 2024-01-02 13:04:05 UTC, the date of the published signatures.
pub(super) fn afternoon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_704_200_645, 0).unwrap()
}
