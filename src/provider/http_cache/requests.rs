//! The requests to one node: for a file one per variant, for tags as many as the header's length requires.

use super::HttpCache;
use super::config::field_of;
use super::recipe::{Recipe, credential_name};
use super::template::{Values, escaped, render, render_target};
use crate::credential::header::HeaderText;
use crate::entry::{Target, TargetKind};
use crate::operation::Item;
use crate::provider::{Auth, place};
use crate::transport::node::interned;
use crate::transport::{HeaderValue, Method, Request};
use crate::url::CdnUrl;

/// A request without its node and secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl HttpCache {
    pub(super) fn purges(&self, items: &[Item], node: &str, auth: Auth<'_>) -> Vec<Request> {
        let Some(kind) = items.first().map(|item| item.target.kind()) else {
            return Vec::new();
        };
        let Some(recipe) = self.recipe(kind) else {
            return Vec::new();
        };
        let targets: Vec<_> = items.iter().map(|item| &item.target).collect();
        let drafts = self.drafts(recipe, kind, &targets).into_iter();
        drafts
            .map(|draft| self.request(recipe, kind, draft, node, auth))
            .collect()
    }

    pub(super) fn drafts(
        &self,
        recipe: &Recipe,
        kind: TargetKind,
        targets: &[&Target],
    ) -> Vec<Draft> {
        let of_target = |target: &&Target| self.of_target(recipe, target);
        match kind {
            TargetKind::Tag => {
                let tags: Vec<_> = targets.iter().map(|target| target.as_str()).collect();
                let draft = |tags| {
                    let values = Values {
                        tags,
                        separator: &recipe.separator,
                        host: &self.any_host,
                        ..Values::default()
                    };
                    self.draft(recipe, &values)
                };
                chunks(recipe, &tags).into_iter().map(draft).collect()
            }
            TargetKind::File => {
                let varied = targets.iter().map(of_target).flat_map(|draft| {
                    self.config.variants.iter().map(move |variant| {
                        let mut draft = draft.clone();
                        let variant = variant.iter();
                        draft.headers.extend(variant.map(|(name, value)| {
                            (interned(&name.to_ascii_lowercase()), value.clone())
                        }));
                        draft
                    })
                });
                varied.collect()
            }
            TargetKind::Directory | TargetKind::Host | TargetKind::Everything => {
                targets.iter().map(of_target).collect()
            }
        }
    }

    fn of_target(&self, recipe: &Recipe, target: &Target) -> Draft {
        let host = match target {
            Target::File(url) | Target::Directory(url) => authority(url),
            Target::Host(host) => host,
            Target::Tag(_) | Target::Everything => &self.any_host,
        };
        let values = Values {
            url: target.url(),
            host,
            ..Values::default()
        };
        self.draft(recipe, &values)
    }

    fn draft(&self, recipe: &Recipe, values: &Values<'_>) -> Draft {
        let rule = &self.config.host;
        let host = match rule.from.as_str() {
            "url" => values.host,
            fixed => fixed,
        };
        let host = match rule.lower {
            true => host.to_ascii_lowercase(),
            false => host.to_owned(),
        };
        let host_header = interned(&rule.header.to_ascii_lowercase());
        let mut headers = Vec::new();
        if !host.is_empty() {
            headers.push((host_header, host));
        }
        for (name, text) in self.texts(recipe) {
            if let HeaderText::Text(text) = text {
                headers.push((name, render(text, values)));
            }
        }
        Draft {
            target: render_target(&recipe.target, values),
            headers,
        }
    }

    /// The header fields of the block, plus those of the endpoint that it does not override.
    fn texts<'r>(
        &'r self,
        recipe: &'r Recipe,
    ) -> impl Iterator<Item = (&'static str, &'r HeaderText)> {
        let own = recipe.headers.iter();
        let shared = self.config.headers.iter();
        let shared = shared.filter(|(name, _)| recipe.headers.iter().all(|(own, _)| own != *name));
        own.map(|(name, text)| (*name, text))
            .chain(shared.map(|(name, text)| (*name, text)))
    }

    pub(super) fn request(
        &self,
        recipe: &Recipe,
        kind: TargetKind,
        draft: Draft,
        node: &str,
        auth: Auth<'_>,
    ) -> Request {
        let plain = draft.headers.into_iter();
        let mut headers: Vec<(&'static str, HeaderValue)> =
            plain.map(|(name, text)| (name, text.into())).collect();
        for (name, text) in self.texts(recipe) {
            if let HeaderText::Secret(_) = text {
                let is_own = recipe.headers.iter().any(|(own, _)| *own == name);
                let scope = is_own.then_some(field_of(kind));
                let value = auth.credentials.get(credential_name(scope, name));
                headers.push((name, HeaderValue::secret(value)));
            }
        }
        // The last one counts: variants come last.
        let mut seen = std::collections::BTreeSet::new();
        headers.reverse();
        headers.retain(|(name, _)| seen.insert(*name));
        headers.reverse();
        Request {
            method: method(recipe.method),
            url: format!("{node}{}", draft.target),
            headers,
            body: Vec::new(),
        }
    }
}

fn method(name: &'static str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "PURGE" => Method::Purge,
        "BAN" => Method::Ban,
        other => Method::Other(other),
    }
}

/// The host, with the port unless it is the default.
fn authority(url: &CdnUrl) -> &str {
    let rest = place::without_scheme(url);
    &rest[..rest.len() - url.path_and_query().len()]
}

/// Splits tags into as few requests as the header's length allows.
fn chunks<'t>(recipe: &Recipe, tags: &'t [&'t str]) -> Vec<&'t [&'t str]> {
    let mut chunks = Vec::new();
    let (mut first, mut bytes) = (0, 0);
    for (at, tag) in tags.iter().enumerate() {
        let adds = tag_bytes(tag) + recipe.separator.len();
        if at > first && bytes + adds > recipe.max_bytes {
            chunks.push(&tags[first..at]);
            (first, bytes) = (at, 0);
        }
        bytes += adds;
    }
    if first < tags.len() {
        chunks.push(&tags[first..]);
    }
    chunks
}

/// The length of a tag in its longest form, as a pattern.
pub(super) fn tag_bytes(tag: &str) -> usize {
    escaped(tag).len()
}
