//! The user's own HTTP caches, which are purged one by one: Varnish, nginx, Apache Traffic Server, Squid, and
//! everything else that accepts PURGE or BAN.
//!
//! `recipe` combines the manifest's block with a preset, `requests` fills in its templates, `answers` judges.
//! `[R]` was run against real caches, `[D]` is documented, `[I]` is inferred.

mod answers;
pub mod config;
mod presets;
mod recipe;
mod requests;
mod template;
mod way;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::credential::CredentialRef;
use crate::credential::header::HeaderText;
use crate::diagnostic::listed;
use crate::entry::{Target, TargetKind};
use crate::field::{Block as _, nested};
use crate::operation::{Item, Operation};
use crate::provider::{
    Answer, ApiError, Auth, Budget, Counts, DayStart, Fleet, Limits, Provider, ProviderKind,
    Unsupported, Window, place,
};
use crate::transport::destination::is_sent_as_written;
use crate::transport::{Patience, Request, Response};
use crate::url::HostPattern;
use config::{Config, field_of};
pub use presets::Preset;
use recipe::{Recipe, credential_name};
use way::MAX_HEADER_BYTES;

pub static KIND: ProviderKind = ProviderKind {
    name: "http-cache",
    field: "httpCache",
    read: |fields, hosts| {
        let config = Config::read(fields)?;
        Some(Arc::new(HttpCache::new(config, hosts)))
    },
    schema: Config::schema,
    default_limits,
    template: include_str!("template.yaml"),
};

/// A cache has no limits of its own. Eight concurrent requests keep a node busy: one takes 0.1 ms `[R]`.
fn default_limits() -> Limits {
    Limits {
        files_per_day: Limits::NO_QUOTA,
        directories_per_day: Limits::NO_QUOTA,
        day_starts_at: DayStart::utc(),
        items_per_request: 100,
        requests_per_second: 1000.0,
        concurrent_requests: 8,
        reserve: None,
    }
}

/// The path that doctor purges: nothing is there, so nothing changes.
const NOWHERE: &str = "/.purgit-doctor/nothing-is-here";

#[derive(Debug, Clone)]
pub struct HttpCache {
    config: Config,
    recipes: BTreeMap<TargetKind, Recipe>,
    /// The host named in requests that are about no host; empty if only patterns are declared.
    any_host: String,
    digest: String,
}

impl HttpCache {
    pub fn new(config: Config, hosts: &[HostPattern]) -> Self {
        let kinds = TargetKind::ALL.into_iter();
        let recipes = kinds.filter_map(|kind| Some((kind, Recipe::of(&config, kind)?)));
        let mut hosts = hosts.iter().map(ToString::to_string);
        let mut shown = nested().show(&config);
        if let Json::Object(fields) = &mut shown {
            fields.remove("nodes");
        }
        let digest = hex::encode(Sha256::digest(shown.to_string()));
        Self {
            recipes: recipes.collect(),
            any_host: hosts.find(|host| !host.contains('*')).unwrap_or_default(),
            digest: digest[..16].to_owned(),
            config,
        }
    }

    fn recipe(&self, kind: TargetKind) -> Option<&Recipe> {
        self.recipes.get(&kind)
    }

    fn unsupported(&self, kind: TargetKind) -> Unsupported {
        let known: Vec<_> = self.recipes.keys().map(|kind| kind.field()).collect();
        let caches = match self.config.preset {
            Some(preset) => format!("caches of the preset `{}`", preset.word()),
            None => "these caches".to_owned(),
        };
        Unsupported::new(
            format!("{caches} have no purge of `{}`", kind.field()),
            format!(
                "list {} instead, or declare `httpCache.{}` if they can",
                listed(known),
                field_of(kind)
            ),
        )
    }

    fn check(&self, recipe: &Recipe, target: &Target) -> Result<(), Unsupported> {
        let refused = |message: String, hint| Err(Unsupported::new(message, hint));
        if let (Some(trees), Some(url)) = (&recipe.trees, target.url()) {
            if trees.is_empty() {
                return Err(self.unsupported(target.kind()));
            }
            if !trees.iter().any(|tree| tree == url.path()) {
                return refused(
                    format!(
                        "the caches have no purge of directories but {}",
                        listed(trees.iter().map(String::as_str))
                    ),
                    "list one of these, or the files",
                );
            }
        }
        if target.kind() == TargetKind::Tag {
            let bytes = requests::tag_bytes(target.as_str());
            let limit = recipe.max_bytes;
            return match bytes > limit {
                true => refused(
                    format!("the tag takes {bytes} bytes in a header, limit {limit}"),
                    "use a shorter tag, or raise `maxBytes`",
                ),
                false => Ok(()),
            };
        }
        for draft in self.drafts(recipe, target.kind(), &[target]) {
            let headers = draft.headers.iter();
            let lengths = headers.map(|(name, value)| name.len() + value.len());
            if lengths.max().unwrap_or_default().max(draft.target.len()) > MAX_HEADER_BYTES {
                return refused(
                    format!(
                        "a line of the request is longer than {MAX_HEADER_BYTES} bytes, more than caches accept"
                    ),
                    "purge a parent directory, or a tag",
                );
            }
            if !is_sent_as_written(&draft.target) {
                return refused(
                    "HTTP clients change this URL before they send it, and caches compare bytes"
                        .to_owned(),
                    "purge its directory or a tag instead, or write what visitors' browsers send",
                );
            }
        }
        Ok(())
    }
}

impl Provider for HttpCache {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn identity(&self) -> Json {
        nested().show(&self.config)
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        let shared = self.config.headers.iter();
        let shared = shared.map(|(name, text)| (None, *name, text));
        let own = self.recipes.iter().flat_map(|(kind, recipe)| {
            let headers = recipe.headers.iter();
            headers.map(|(name, text)| (Some(field_of(*kind)), *name, text))
        });
        let secrets = shared
            .chain(own)
            .filter_map(|(scope, name, text)| match text {
                HeaderText::Text(_) => None,
                HeaderText::Secret(reference) => Some((credential_name(scope, name), reference)),
            });
        secrets.collect()
    }

    fn variants(&self) -> Vec<&BTreeMap<String, String>> {
        self.config.variants.iter().collect()
    }

    /// A URL is one item whatever its scheme, unless a request contains the scheme.
    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        let kind = target.kind();
        let recipe = self.recipe(kind).ok_or_else(|| self.unsupported(kind))?;
        self.check(recipe, target)?;
        let names_scheme = || {
            let texts = recipe.headers.iter().filter_map(|(_, text)| match text {
                HeaderText::Text(text) => Some(text),
                HeaderText::Secret(_) => None,
            });
            let mut texts = texts.chain([&recipe.target]);
            texts.any(|text| text.contains("{url"))
        };
        let key = match target {
            Target::File(url) | Target::Directory(url) if names_scheme() => url.as_str(),
            Target::File(url) | Target::Directory(url) => place::without_scheme(url),
            Target::Tag(_) | Target::Host(_) => target.as_str(),
            Target::Everything => kind.as_str(),
        };
        Ok(Item {
            group: kind.as_str().into(),
            key: key.into(),
            target: target.clone(),
        })
    }

    /// Several tags share a request. Otherwise an operation has one item, so that a refusal by a node
    /// is about that item alone.
    fn budgets(&self, limits: &Limits) -> Vec<Budget> {
        const KINDS: &[TargetKind] = &TargetKind::ALL;
        let nodes = &self.config.nodes;
        let mut scope = nodes.fixed.join(" ");
        scope.extend(nodes.dns.iter().flat_map(|name| [" ", name]));
        let scope: Arc<str> = scope.trim_start().into();
        let has = |kinds: &[TargetKind]| kinds.iter().all(|kind| self.recipes.contains_key(kind));
        let mut budgets = Budget::requests(limits, &scope).to_vec();
        for kinds in KINDS.chunks(1).filter(|kinds| has(kinds)) {
            let amount = match kinds == [TargetKind::Tag] {
                true => limits.items_per_request as u64,
                false => 1,
            };
            let counts = Counts::Items(kinds);
            budgets.push(Budget::new(&scope, counts, amount, Window::Request));
        }
        budgets.extend(
            Budget::quotas(limits, &scope).filter(|budget| match budget.counts {
                Counts::Items(kinds) => has(kinds),
                Counts::Requests | Counts::RequestsWith(_) => true,
            }),
        );
        budgets
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request {
        let nodes = &self.config.nodes;
        let node = nodes.fixed.first().or(nodes.dns.as_ref());
        let node = node.map_or("", String::as_str);
        let mut requests = self.purges(&operation.items, node, auth).into_iter();
        requests.next().unwrap_or_else(|| Request {
            method: crate::transport::Method::Purge,
            url: node.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    fn submitted(&self, operation: &Operation, response: &Response) -> Result<Answer, ApiError> {
        self.confirmed(&operation.items, response)?;
        Ok(Answer::succeeded())
    }

    fn fleet(&self) -> Option<&dyn Fleet> {
        Some(self)
    }

    fn correlation_id(&self, response: &Response) -> Option<String> {
        answers::DIALECT.correlation_id(response)
    }
}

impl Fleet for HttpCache {
    fn fixed(&self) -> &[String] {
        &self.config.nodes.fixed
    }

    fn name(&self) -> Option<(&str, u16)> {
        let url = self.config.nodes.dns.as_deref()?;
        let authority = url.strip_prefix("http://").unwrap_or(url);
        Some(match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(80)),
            None => (authority, 80),
        })
    }

    fn patience(&self) -> Patience {
        Patience {
            connect: self.config.connect_timeout,
            answer: self.config.answer_timeout,
        }
    }

    fn second_pass(&self) -> Option<Duration> {
        let gap = self.config.second_pass;
        (!gap.is_zero()).then_some(gap)
    }

    fn recipe(&self) -> String {
        self.digest.clone()
    }

    fn requests(&self, items: &[Item], node: &str, auth: Auth<'_>) -> Vec<Request> {
        self.purges(items, node, auth)
    }

    fn confirmed(&self, items: &[Item], response: &Response) -> Result<(), ApiError> {
        let kind = items.first().map(|item| item.target.kind());
        match kind.and_then(|kind| self.recipe(kind)) {
            Some(recipe) => answers::confirmed(recipe, response),
            None => Err(answers::DIALECT.by_status(response)),
        }
    }

    /// Purges a file that nobody has, which shows whether this machine may purge. A refresh would fetch it.
    fn question(&self, node: &str, auth: Auth<'_>) -> Option<Request> {
        let recipe = self.recipe(TargetKind::File)?;
        if recipe.method == "GET" {
            return None;
        }
        let host = match &*self.any_host {
            "" => "purgit.invalid",
            host => host,
        };
        let url = crate::url::CdnUrl::parse(&format!("http://{host}{NOWHERE}")).ok()?;
        let drafts = self.drafts(recipe, TargetKind::File, &[&Target::File(url)]);
        let draft = drafts.into_iter().next()?;
        Some(self.request(recipe, TargetKind::File, draft, node, auth))
    }

    fn questioned(&self, response: &Response) -> Result<(), ApiError> {
        let Some(recipe) = self.recipe(TargetKind::File) else {
            return Ok(());
        };
        let mut recipe = recipe.clone();
        // Nothing is there.
        recipe.absent.extend([404, 412]);
        answers::confirmed(&recipe, response)
    }
}
