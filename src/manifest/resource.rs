//! Validated resources: what the manifests say, with defaults filled in and nothing left to doubt.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::content::{Rules, Selection};
use crate::entry::Target;
use crate::provider::{Limits, Provider};
use crate::url::{CdnUrl, HostPattern};

/// The only `apiVersion` there is so far.
pub const API_VERSION: &str = "purgit/v1alpha1";

/// Everything the manifests of one project declare.
#[derive(Debug, Clone)]
pub struct Project {
    /// `metadata.name` of the `Project`.
    pub name: Arc<str>,
    /// Globs under the root that find further manifests.
    pub manifests: Vec<String>,
    /// Path of the state file, relative to the root.
    pub state_file: PathBuf,
    /// Path of the status file, relative to the root.
    pub status_file: PathBuf,
    /// Limits a plan must keep to run without force.
    pub safety: Safety,
    /// By name.
    pub endpoints: BTreeMap<Arc<str>, Endpoint>,
    /// Sorted by name, names unique.
    pub purges: Vec<Purge>,
    /// Sorted by name, names unique.
    pub sites: Vec<Site>,
}

/// `spec.safety`: thresholds over which a plan refuses itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safety {
    /// Percent of an endpoint's observed entries that may change or go.
    pub max_change_percent: u32,
    /// URLs in one plan, files and directories together, per endpoint.
    pub max_urls: usize,
    /// Directories in one plan, per endpoint.
    pub max_directories: usize,
}

impl Default for Safety {
    /// The figures of the documented example.
    fn default() -> Self {
        Self {
            max_change_percent: 30,
            max_urls: 2000,
            max_directories: 50,
        }
    }
}

/// A place to purge.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// Hosts it serves; a URL of another host is an error.
    pub hosts: Vec<HostPattern>,
    /// The CDN behind it, configured.
    pub provider: Arc<dyn Provider>,
    /// What the CDN lets through.
    pub limits: Limits,
    /// How to wait for it.
    pub poll: Poll,
}

impl Endpoint {
    /// Whether a target is one of this endpoint's: its host is, or it names none.
    pub fn serves(&self, target: &Target) -> bool {
        let serves = |host| self.hosts.iter().any(|pattern| pattern.matches(host));
        target.host().is_none_or(serves)
    }
}

/// `spec.poll` of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// Pause before the first question about a task.
    pub interval: Duration,
    /// Longest pause between two questions.
    pub max_interval: Duration,
    /// How long to wait for a task before leaving it to the next run.
    pub timeout: Duration,
}

impl Default for Poll {
    /// The figures of the documented example: a purge takes minutes, so asking more often tells
    /// nothing, and half an hour is three times the only duration ever published (10 min).
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            max_interval: Duration::from_secs(30),
            timeout: Duration::from_secs(30 * 60),
        }
    }
}

/// Explicitly declared URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// Name of the endpoint that serves the URLs.
    pub endpoint: Arc<str>,
    /// Change it to purge the same URLs again.
    pub revision: Option<String>,
    /// What to purge: kind by kind, as declared.
    pub targets: Vec<Target>,
    /// Set when `suspend: true`.
    pub suspension: Option<Suspension>,
}

/// A content directory mapped to URLs.
#[derive(Debug, Clone)]
pub struct Site {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// Name of the endpoint that serves the URLs.
    pub endpoint: Arc<str>,
    /// What the content root is served as; ends in `/`.
    pub base_url: CdnUrl,
    /// The files.
    pub content: SiteContent,
    /// Name of the file that also answers for its folder; `None` where nothing does.
    pub index: Option<String>,
    /// Whether a folder's URL without its last `/` is purged with its index, since it redirects.
    pub redirect: bool,
    /// Extensions, with their dot, without which files are served too.
    pub strip_extensions: Vec<String>,
    /// What becomes of the URL of a file that is gone.
    pub on_delete: OnDelete,
    /// Set when `suspend: true`.
    pub suspension: Option<Suspension>,
}

/// `spec.content` of a `Site`.
#[derive(Debug, Clone)]
pub struct SiteContent {
    /// Folder relative to the project's root; empty for the root itself.
    pub root: PathBuf,
    /// What is selected, as written.
    pub rules: Rules,
    /// The same, compiled.
    pub selection: Selection,
}

/// What becomes of the URL of a file that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDelete {
    /// It is purged, so that the edge learns that it is gone.
    #[default]
    Purge,
    /// It is forgotten.
    Ignore,
}

/// Why and how long a manifest is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suspension {
    /// `suspendReason`.
    pub reason: Option<String>,
    /// `suspendUntil`: from then on the suspension no longer holds.
    pub until: Option<DateTime<Utc>>,
}

impl Suspension {
    /// Whether the manifest is still suspended at `now`.
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
