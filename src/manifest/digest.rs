//! The digest of all resources, by which a plan knows that the manifests are still the same.

use std::io;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::resource::{Endpoint, OnDelete, Poll, Project, Purge, Safety, Site, Suspension};
use crate::credential::CredentialRef;
use crate::entry::{Target, TargetKind};
use crate::provider::Limits;

/// `sha256:` and 64 hexadecimal digits over what the manifests declare. The same resources give
/// the same digest however they are spread over files, and in whatever order; so globs, state
/// file and status file, which say where things are, and `suspendReason`, which is for people, are
/// left out.
pub fn digest(project: &Project) -> String {
    let mut hasher = Hasher(Sha256::new());
    hasher.line(&("project", &*project.name, safety(&project.safety)));
    for endpoint in project.endpoints.values() {
        hasher.line(&("endpoint", endpoint_subject(endpoint)));
    }
    for purge in &project.purges {
        hasher.line(&("purge", purge_subject(purge)));
    }
    for site in &project.sites {
        hasher.line(&("site", site_subject(site)));
    }
    format!("sha256:{}", hex::encode(hasher.0.finalize()))
}

/// Feeds one line of JSON per resource, so that no copy of all URLs is made.
struct Hasher(Sha256);

impl Hasher {
    fn line(&mut self, subject: &impl Serialize) {
        // Hashing cannot fail, and the subjects have text keys only.
        let _ = serde_json::to_writer(&mut *self, subject);
        self.0.update(b"\n");
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn safety(safety: &Safety) -> impl Serialize {
    let Safety {
        max_change_percent,
        max_urls,
        max_directories,
    } = *safety;
    (max_change_percent, max_urls, max_directories)
}

fn endpoint_subject(endpoint: &Endpoint) -> impl Serialize {
    let mut hosts: Vec<_> = endpoint.hosts.iter().map(ToString::to_string).collect();
    hosts.sort_unstable();
    (
        &*endpoint.name,
        hosts,
        endpoint.provider.kind().name,
        sorted(endpoint.provider.identity()),
        credentials(endpoint),
        limits(&endpoint.limits),
        poll(&endpoint.poll),
    )
}

/// Where credentials are read from: another place may be another account, and a command is run.
fn credentials(endpoint: &Endpoint) -> impl Serialize {
    let references = endpoint.provider.credentials().into_iter();
    let subject = |(name, reference): (&'static str, &CredentialRef)| match reference {
        CredentialRef::Env(variable) => (name, "env", vec![variable.clone()]),
        CredentialRef::File(path) => (name, "file", vec![path.to_string_lossy().into_owned()]),
        CredentialRef::Command(words) => (name, "command", words.clone()),
    };
    references.map(subject).collect::<Vec<_>>()
}

fn limits(limits: &Limits) -> impl Serialize {
    let Limits {
        files_per_day,
        directories_per_day,
        day_starts_at,
        items_per_request,
        requests_per_second,
        concurrent_requests,
    } = *limits;
    (
        files_per_day,
        directories_per_day,
        day_starts_at.time.to_string(),
        day_starts_at.offset.local_minus_utc(),
        items_per_request,
        requests_per_second,
        concurrent_requests,
    )
}

fn poll(poll: &Poll) -> impl Serialize {
    let Poll {
        interval,
        max_interval,
        timeout,
    } = *poll;
    (
        interval.as_millis(),
        max_interval.as_millis(),
        timeout.as_millis(),
    )
}

fn purge_subject(purge: &Purge) -> impl Serialize {
    (
        &*purge.name,
        &*purge.endpoint,
        purge.revision.as_deref(),
        TargetKind::ALL.map(|kind| each_once(&purge.targets, kind)),
        suspension(purge.suspension.as_ref()),
    )
}

fn site_subject(site: &Site) -> impl Serialize {
    let rules = &site.content.rules;
    (
        (&*site.name, &*site.endpoint, &site.base_url),
        site.content.root.to_string_lossy().into_owned(),
        (
            &rules.include,
            &rules.exclude,
            rules.gitignore,
            rules.hidden,
        ),
        (site.index.as_deref(), site.redirect, &site.strip_extensions),
        match site.on_delete {
            OnDelete::Purge => "purge",
            OnDelete::Ignore => "ignore",
        },
        suspension(site.suspension.as_ref()),
    )
}

/// Whether there is one, since an open end is not the same as none, and its end.
fn suspension(suspension: Option<&Suspension>) -> (bool, Option<String>) {
    let until = suspension.and_then(|suspension| suspension.until);
    (suspension.is_some(), until.map(|until| until.to_rfc3339()))
}

fn each_once(targets: &[Target], kind: TargetKind) -> Vec<&str> {
    let of_kind = targets.iter().filter(|target| target.kind() == kind);
    let mut texts: Vec<_> = of_kind.map(Target::as_str).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// With the keys of all mappings in order, whatever map `serde_json` was built with.
fn sorted(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            let pairs = pairs.into_iter().map(|(key, value)| (key, sorted(value)));
            Json::Object(pairs.collect::<Map<_, _>>())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        scalar @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => scalar,
    }
}
