//! How one kind of target is purged: the manifest's fields, then the preset's, then the defaults.

use regex::Regex;

use super::config::Config;
use super::way::{Confirm, MAX_HEADER_BYTES, Way};
use crate::credential::header::HeaderText;
use crate::entry::TargetKind;
use crate::transport::node::interned;

#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, HeaderText)>,
    pub(super) status: Vec<u16>,
    pub(super) absent: Vec<u16>,
    pub(super) marks: Marks,
    /// The only directories that can be purged; `None` for all.
    pub(super) trees: Option<Vec<String>>,
    pub(super) separator: String,
    pub(super) max_bytes: usize,
}

/// What only the cache's own answer has.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    /// Names in lower case, with patterns for their values.
    pub(super) header: Vec<(String, Regex)>,
    pub(super) without: Vec<String>,
    pub(super) body: Option<Regex>,
}

impl Recipe {
    /// `None` if neither the manifest nor the preset says how.
    pub(super) fn of(config: &Config, kind: TargetKind) -> Option<Self> {
        let declared = config.way(kind);
        let soft = declared.and_then(|way| way.soft).unwrap_or(false);
        let preset = config.preset.and_then(|preset| preset.way(kind, soft));
        let way = match (declared.cloned(), preset) {
            (Some(way), Some(preset)) => way.over(preset),
            (Some(way), None) => way,
            (None, preset) => preset?,
        };
        let confirm = way.confirm.unwrap_or_default();
        let status = confirm.status.clone().unwrap_or_else(|| vec![200]);
        Some(Self {
            method: way.method.unwrap_or("PURGE"),
            target: way.target.unwrap_or_else(|| "{path_query}".to_owned()),
            headers: way.headers.unwrap_or_default().into_iter().collect(),
            status,
            absent: way.absent.unwrap_or_default(),
            marks: Marks::of(&confirm),
            trees: way.trees,
            separator: way.separator.unwrap_or_else(|| " ".to_owned()),
            max_bytes: way.max_bytes.unwrap_or(MAX_HEADER_BYTES),
        })
    }
}

impl Marks {
    fn of(confirm: &Confirm) -> Self {
        // Invalid regular expressions were refused in the manifest.
        let compiled = |pattern: &String| Regex::new(pattern).ok();
        let header = confirm.header.iter().flatten();
        let header = header
            .filter_map(|(name, pattern)| Some((name.to_ascii_lowercase(), compiled(pattern)?)));
        let without = confirm.without.iter().flatten();
        Self {
            header: header.collect(),
            without: without.map(|name| name.to_ascii_lowercase()).collect(),
            body: confirm.body.as_ref().and_then(compiled),
        }
    }

    /// The first missing mark, for people.
    pub(super) fn missing(&self, response: &crate::transport::Response) -> Option<String> {
        let lacks = |(name, pattern): &&(String, Regex)| {
            !response
                .header(name)
                .is_some_and(|value| pattern.is_match(value))
        };
        if let Some((name, pattern)) = self.header.iter().find(lacks) {
            return Some(format!("without `{name}: {pattern}`"));
        }
        let has = |name: &&String| response.header(name).is_some();
        if let Some(name) = self.without.iter().find(has) {
            return Some(format!("with `{name}`"));
        }
        let body = self.body.as_ref()?;
        let found = String::from_utf8_lossy(&response.body);
        (!body.is_match(&found)).then(|| format!("with a body that is not `{body}`"))
    }
}

impl Way {
    /// Takes missing fields from `base`; headers and marks one by one.
    fn over(self, base: Self) -> Self {
        let mut headers = base.headers.unwrap_or_default();
        headers.extend(self.headers.unwrap_or_default());
        Self {
            method: self.method.or(base.method),
            target: self.target.or(base.target),
            headers: Some(headers),
            confirm: match (self.confirm, base.confirm) {
                (Some(own), Some(base)) => Some(Confirm {
                    status: own.status.or(base.status),
                    header: own.header.or(base.header),
                    without: own.without.or(base.without),
                    body: own.body.or(base.body),
                }),
                (own, base) => own.or(base),
            },
            absent: self.absent.or(base.absent),
            trees: self.trees.or(base.trees),
            separator: self.separator.or(base.separator),
            max_bytes: self.max_bytes.or(base.max_bytes),
            soft: self.soft,
        }
    }
}

/// The name under which a secret header's value is resolved.
pub(super) fn credential_name(scope: Option<&str>, header: &str) -> &'static str {
    match scope {
        None => interned(&format!("headers.{header}")),
        Some(scope) => interned(&format!("{scope}.headers.{header}")),
    }
}
