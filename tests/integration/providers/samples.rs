//! One configured provider of each kind, and what its CDN answers when all goes well.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::{Target, TargetKind};
use purgit::provider::Provider;
use purgit::provider::azure_china_cdn::AzureChinaCdn;
use purgit::provider::azure_china_cdn::config::{Config, DEFAULT_API_URL, Keys};
use purgit::provider::azure_front_door::{AzureFrontDoor, Cloud, config as front_door};
use purgit::provider::cloudflare::{self, Cloudflare};
use purgit::provider::cloudfront::{self, Cloudfront};
use purgit::secret::Secret;
use purgit::transport::Response;
use purgit::url::HostPattern;

use super::{response, targets, with_header};
use crate::common::fleet::http_cache;

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
    /// To the question what is left of its quotas, where there is one.
    pub(super) left: Option<Response>,
}

/// The sample of a registered kind of CDN.
pub(super) fn sample(name: &str) -> Sample {
    match name {
        "azure-china-cdn" => Sample {
            left: None,
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
        "azure-front-door" => Sample {
            left: None,
            provider: Arc::new(front_door(front_door_config(client_secret()))),
            targets: [
                targets(
                    TargetKind::File,
                    &["https://www.example.com/a", "http://www.example.com/b?c=d"],
                ),
                targets(
                    TargetKind::Directory,
                    &["https://www.example.com/", "https://img.example.com/e/"],
                ),
                targets(TargetKind::Host, &["www.example.com", "img.example.com"]),
                targets(TargetKind::Everything, &[""]),
            ]
            .concat(),
            identity: |target| {
                let text = target
                    .as_str()
                    .to_lowercase()
                    .replace("https://", "http://");
                text.split('?').next().unwrap_or_default().to_owned()
            },
            accepted: with_header(
                response(202, ""),
                "azure-asyncoperation",
                "https://management.azure.com/subscriptions/s/providers/Microsoft.Cdn/operationresults/7?s=1",
            ),
            reported: vec![
                response(
                    200,
                    r#"{"status":"InProgress","error":{"code":"None","message":null}}"#,
                ),
                response(
                    200,
                    r#"{"status":"Succeeded","error":{"code":"None","message":null}}"#,
                ),
            ],
        },
        "cloudflare" => zone(),
        "cloudfront" => cloudfront(),
        "fastly" => super::fastly::sample(),
        "http-cache" => caches(),
        other => panic!("add a sample of `{other}` to this file"),
    }
}

fn zone() -> Sample {
    Sample {
        left: None,
        provider: Arc::new(cloudflare()),
        targets: of_every_kind("https://www.example.com/e/"),
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
    }
}

fn caches() -> Sample {
    let manifest = "{ preset: varnish, nodes: { static: [\"http://127.0.0.1:6081\"] }, headers: { X-Purge-Token: { env: PURGE_TOKEN } }, \
         everything: { method: BAN, target: /, headers: { X-All: yes } } }";
    Sample {
        left: None,
        provider: http_cache(manifest).provider,
        targets: of_every_kind("https://img.example.com/e/"),
        identity: |target| target.as_str().replace("https://", "http://"),
        accepted: with_header(response(200, ""), "cache-purge-result", "ban"),
        reported: Vec::new(),
    }
}

fn of_every_kind(directory: &str) -> Vec<Target> {
    [
        targets(
            TargetKind::File,
            &["https://www.example.com/a", "http://www.example.com/a?b=c"],
        ),
        targets(
            TargetKind::Directory,
            &["https://www.example.com/", directory],
        ),
        targets(TargetKind::Tag, &["news", "sports"]),
        targets(TargetKind::Host, &["www.example.com", "img.example.com"]),
        targets(TargetKind::Everything, &[""]),
    ]
    .concat()
}

/// The way of an app registration with a secret.
pub(super) fn client_secret() -> front_door::Credentials {
    front_door::Credentials {
        client_secret: Some(front_door::ClientSecret {
            tenant_id: "contoso.example".to_owned(),
            client_id: ENDPOINT.to_owned(),
            secret: CredentialRef::Env("AZURE_CLIENT_SECRET".to_owned()),
        }),
        federated: None,
        managed_identity: None,
        token: None,
    }
}

pub(super) fn front_door_config(credentials: front_door::Credentials) -> front_door::Config {
    front_door::Config {
        cloud: Cloud::Global,
        product: front_door::Product::FrontDoor,
        subscription_id: SUBSCRIPTION.to_owned(),
        resource_group: "rg".to_owned(),
        profile: "p".to_owned(),
        endpoint: "e".to_owned(),
        domains: Vec::new(),
        api_version: "2024-02-01".to_owned(),
        api_url: None,
        login_url: None,
        credentials,
    }
}

/// Which serves two hosts and what is below one of them.
pub(super) fn front_door(config: front_door::Config) -> AzureFrontDoor {
    let hosts = ["www.example.com", "img.example.com", "*.img.example.com"];
    let hosts = hosts.map(|host| HostPattern::parse(host).unwrap());
    AzureFrontDoor::new(config, &hosts)
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

fn cloudfront() -> Sample {
    Sample {
        left: None,
        provider: Arc::new(Cloudfront::new(cloudfront_config())),
        targets: [
            targets(
                TargetKind::File,
                &["https://www.example.com/a", "http://img.example.com/a?b=c"],
            ),
            targets(
                TargetKind::Directory,
                &["https://www.example.com/d/", "https://www.example.com/e/"],
            ),
            targets(TargetKind::Tag, &["news", "sports"]),
            targets(TargetKind::Everything, &[""]),
        ]
        .concat(),
        identity: |target| match target {
            Target::File(url) | Target::Directory(url) => url.path_and_query().to_owned(),
            Target::Tag(_) | Target::Host(_) | Target::Everything => target.as_str().to_lowercase(),
        },
        accepted: response(201, &invalidation("InProgress")),
        reported: vec![
            response(200, &invalidation("InProgress")),
            response(200, &invalidation("Completed")),
        ],
    }
}

pub(super) const DISTRIBUTION: &str = "EDFDVBD6EXAMPLE";
pub(super) const INVALIDATION: &str = "IDFDVBD632BHDS5";

/// As the API answers a purge of `/*` and questions about it.
pub(super) fn invalidation(status: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>{INVALIDATION}</Id><Status>{status}</Status><CreateTime>2026-11-21T11:37:05.692Z</CreateTime><InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>/*</Path></Items></Paths><CallerReference>ref-1</CallerReference></InvalidationBatch></Invalidation>"#
    )
}

/// With the key of a session.
pub(super) fn cloudfront_config() -> cloudfront::config::Config {
    let variable = |name: &str| CredentialRef::Env(name.to_owned());
    cloudfront::config::Config {
        distribution_id: DISTRIBUTION.to_owned(),
        api_url: cloudfront::config::DEFAULT_API_URL.to_owned(),
        credentials: cloudfront::config::Ways {
            chain: None,
            keys: Some(cloudfront::config::Keys {
                access_key_id: variable("AWS_ACCESS_KEY_ID"),
                secret_access_key: variable("AWS_SECRET_ACCESS_KEY"),
                session_token: Some(variable("AWS_SESSION_TOKEN")),
            }),
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
