//! Cloudflare: `purge_cache` and `invalidate_cache` of a zone or of one of its environments.
//!
//! Nothing here was checked against the live service: `[D]` is documented, `[O]` was observed in clients or
//! published output, `[I]` is inferred, `[?]` is unknown.

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
    Answer, ApiError, Auth, Budget, Inspection, Limits, Provider, ProviderKind, Unsupported, place,
};
use crate::transport::{Request, Response};
use config::{API_TOKEN, Config};

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloudflare {
    config: Config,
}

impl Cloudflare {
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

    /// Fields that start with `CF-` are set by Cloudflare itself, whatever users send.
    fn variants(&self) -> Vec<&BTreeMap<String, String>> {
        let is_set = |name: &String| {
            let start = name.get(..3);
            start.is_some_and(|start| start.eq_ignore_ascii_case("cf-"))
        };
        let sets = self.config.variants.iter();
        sets.filter(|set| !set.keys().any(is_set)).collect()
    }

    /// A group is one body, which holds one kind `[D]`. Tags are case-insensitive `[D]`, and a prefix has no
    /// scheme `[D]`.
    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        let (group, key) = match target {
            Target::File(url) => ("files", url.as_str().into()),
            Target::Directory(url) => {
                let prefix = place::without_scheme(url);
                let separators = prefix.matches('/').count();
                if separators > MAX_PREFIX_SEPARATORS {
                    return Err(Unsupported::new(
                        format!(
                            "Cloudflare accepts prefixes with at most {MAX_PREFIX_SEPARATORS} `/`, this directory has {separators}"
                        ),
                        "list a parent directory, or the files",
                    ));
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
        let path = place::without_scheme(url);
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

    /// The last request is an empty purge, which is refused for being empty if the token may purge `[I]`.
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
