//! Cloudflare: `purge_cache` and `invalidate_cache` of a zone or of one of its environments.
//!
//! `config` reads the manifest's block, `plan` knows each plan's limits, `requests` builds, `answers` parses and knows what each error code means,
//! `inspect` reads what the CDN says about a token and a zone. Nothing here was checked against the live service: `[D]` is documented, `[O]` was
//! observed in clients or published output, `[I]` is inferred, `[?]` is unknown.

mod answers;
pub mod config;
mod inspect;
mod plan;
mod requests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::credential::CredentialRef;
use crate::entry::{Target, TargetKind};
use crate::field::Block as _;
use crate::operation::{Item, Operation};
use crate::provider::{
    Answer, ApiError, Auth, Budget, Inspection, Limits, Provider, ProviderKind, Unsupported,
};
use crate::transport::{Request, Response};
use config::{API_TOKEN, Config};

/// Registration of this CDN.
pub static KIND: ProviderKind = ProviderKind {
    name: "cloudflare",
    field: "cloudflare",
    read: |fields, _| {
        let config = Config::read(fields)?;
        Some(Arc::new(Cloudflare { config }))
    },
    schema: Config::schema,
    default_limits: || plan::default_limits(config::Plan::Free),
    template: include_str!("template.yaml"),
};

/// Most separators in a prefix `[D]`.
const MAX_PREFIX_SEPARATORS: usize = 31;

/// A zone, or one of its environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloudflare {
    config: Config,
}

impl Cloudflare {
    /// A codec for the zone in `config`.
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

impl Provider for Cloudflare {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn identity(&self) -> serde_json::Value {
        let config = &self.config;
        json!({
            "apiUrl": config.api_url,
            "zoneId": config.zone_id,
            "environmentId": config.environment_id,
            "mode": config.mode.as_str(),
            "plan": config.plan.as_str(),
            "variants": config.variants,
        })
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        vec![(API_TOKEN, &self.config.credentials.api_token)]
    }

    /// What begins with `CF-` is made by Cloudflare itself, whatever users send.
    fn variants(&self) -> Vec<&BTreeMap<String, String>> {
        let is_made = |name: &String| {
            name.get(..3)
                .is_some_and(|cf| cf.eq_ignore_ascii_case("cf-"))
        };
        let sets = self.config.variants.iter();
        sets.filter(|set| !set.keys().any(is_made)).collect()
    }

    /// A group is what one body may hold: one kind `[D]`. Tags are case-insensitive `[D]`, and a
    /// prefix has no scheme `[D]`.
    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        let (group, key) = match target {
            Target::File(url) => ("files", url.as_str().into()),
            Target::Directory(url) => {
                let text = url.as_str();
                let prefix = text.split_once("://").map_or(text, |(_, rest)| rest);
                let separators = prefix.matches('/').count();
                if separators > MAX_PREFIX_SEPARATORS {
                    let limit = MAX_PREFIX_SEPARATORS;
                    return Err(Unsupported {
                        message: format!(
                            "Cloudflare accepts prefixes with at most {limit} `/`, this directory has {separators}"
                        ),
                        hint: "list a parent directory, or the files".to_owned(),
                    });
                }
                ("prefixes", prefix.into())
            }
            Target::Tag(tag) => ("tags", tag.as_str().to_ascii_lowercase().into()),
            Target::Host(host) => ("hosts", host.clone()),
            Target::Everything => ("everything", TargetKind::Everything.as_str().into()),
        };
        Ok(Item {
            group: group.into(),
            key,
            target: target.clone(),
        })
    }

    /// A prefix purges everything that starts with it, with any query `[D]` and both schemes `[D]`.
    /// `None` if it would be too long.
    fn place(&self, target: &Target) -> Option<String> {
        let (Target::File(url) | Target::Directory(url)) = target else {
            return None;
        };
        let text = url.as_str();
        let path = text.split_once("://").map_or(text, |(_, rest)| rest);
        let mut separators = path.match_indices('/').skip(MAX_PREFIX_SEPARATORS);
        let end = separators.next().map_or(path.len(), |(at, _)| at);
        let below = path[end..].replace('/', "\\");
        Some(format!("https://{}{below}", &path[..end]))
    }

    fn default_limits(&self) -> Limits {
        plan::default_limits(self.config.plan)
    }

    fn budgets(&self, limits: &Limits) -> Vec<Budget> {
        plan::budgets(&self.config, limits)
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request {
        requests::purge(&self.config, &operation.items, auth)
    }

    fn submitted(&self, _: &Operation, response: &Response) -> Result<Answer, ApiError> {
        answers::submitted(response)
    }

    /// The last question is an empty purge, which is refused for being empty if the token may purge
    /// `[I]`.
    fn inspect(&self, auth: Auth<'_>) -> Vec<Request> {
        let zone = format!("/zones/{}", self.config.zone_id);
        vec![
            requests::get(&self.config, "/user/tokens/verify", auth),
            requests::get(&self.config, &zone, auth),
            requests::purge(&self.config, &[], auth),
        ]
    }

    fn inspected(&self, before: &[Response], response: &Response) -> Result<Inspection, ApiError> {
        match before {
            [] => inspect::token(response),
            [_] => inspect::zone(response),
            _ => inspect::purge_of_nothing(response),
        }
    }

    fn correlation_id(&self, response: &Response) -> Option<String> {
        answers::DIALECT.correlation_id(response)
    }
}
