//! Plan JSON, format 1.x. Fields may be added in a minor version; none is changed or removed.

mod result;
mod written;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diff;
use crate::reconcile::{Approved, Name};
use crate::verify::{Evidence, Tally};

pub(crate) use result::{ApplyResult, EntryResult};
pub use written::{Ending, applied, plan, unplanned};
pub(crate) use written::{cost, saved};

/// Readers reject a major version that they do not know.
pub const FORMAT_VERSION: &str = "1.0";

/// A plan of purgit
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    /// `MAJOR.MINOR`; minor versions only add fields
    pub(crate) format_version: Cow<'static, str>,
    /// `sha256:` over everything that decides what is carried out; empty when there is no plan
    pub(crate) plan_id: String,
    /// Version of purgit that made the plan
    pub(crate) tool_version: Cow<'static, str>,
    /// When the plan was made; not part of its id
    pub(crate) timestamp: String,
    /// What the plan was computed from
    pub(crate) base: Base,
    /// Whether every check passed or was forced
    pub(crate) applyable: bool,
    /// Whether every change found is in the plan
    pub(crate) complete: bool,
    /// The figures
    pub(crate) summary: Summary,
    /// Entries to purge, in stable order
    pub(crate) changes: Vec<Change>,
    /// Requests to send, in order
    pub(crate) steps: Vec<Step>,
    /// Forecast of the day's quota
    pub(crate) quota: Vec<Quota>,
    /// What purging costs, where a CDN charges for it
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) costs: Vec<Cost>,
    /// Directories that are purged instead of files below them, because the files do not fit the quota
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cover: Vec<Covered>,
    /// How much less any other choice of directories could refetch at most; 0 when the cover is proven to be optimal. In bytes where an endpoint weighs them
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cover_gap: Option<u64>,
    /// What the edges served before the plan was made; absent if they were not asked
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edges: Option<Edges>,
    /// Entries that count as purged only because the edges were proven to serve them
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) adopted: Vec<Adopted>,
    /// All safety checks, also those that pass
    pub(crate) checks: Vec<Check>,
    /// Notes for the reader
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Where the manifests of the changes are
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) manifests: Vec<Manifest>,
    /// Commits that changed the files of the changes, latest first; absent if git cannot tell
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) commits: Vec<Commit>,
    /// How the manifests changed since the state or the base was recorded; absent if git cannot tell
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) manifest_changes: Vec<ManifestChange>,
    /// The options that the plan was made with; only in what `plan --out` writes
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) arguments: Option<Arguments>,
    /// What `apply` did; absent in a plan
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<ApplyResult>,
}

impl PlanDocument {
    /// Whether there is nothing to purge and no check failed.
    pub fn is_idle(&self) -> bool {
        self.changes.is_empty() && self.applyable
    }

    /// What the edges said, as far as the plan depends on it.
    pub(crate) fn looked(&self) -> Approved {
        let name = |address: &str, endpoint: &str, target: &str| Name {
            address: address.to_owned(),
            endpoint: endpoint.to_owned(),
            target: target.to_owned(),
        };
        let is_stale = |change: &&Change| change.reason == diff::Reason::StaleAtEdge.as_str();
        let stale = self.changes.iter().filter(is_stale);
        let adopted = self.adopted.iter();
        Approved {
            stale: stale
                .filter_map(|one| {
                    let name = name(&one.address, &one.endpoint, &one.target);
                    Some((name, one.evidence.clone()?))
                })
                .collect(),
            adopted: adopted
                .map(|one| name(&one.address, &one.endpoint, &one.target))
                .collect(),
        }
    }
}

/// What the plan was computed from
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Base {
    /// The state; null if there is none yet
    pub(crate) state: Option<State>,
    /// The revisions compared; null when the base is the state
    pub(crate) git: Option<Git>,
    /// The commit that is wanted, or checked out without changes; absent if git cannot tell
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// Digest of all manifests, independent of files and their order
    pub(crate) manifests_digest: String,
}

/// A state
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct State {
    pub(crate) lineage: String,
    pub(crate) serial: u64,
    pub(crate) digest: String,
}

/// Revisions compared
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Git {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) dirty: bool,
}

/// The figures of a plan
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Summary {
    /// Entries to purge, including deferred ones
    pub(crate) purge: usize,
    /// Entries that wait for another window of a quota
    #[serde(default)]
    pub(crate) deferred: usize,
    /// Entries that need nothing
    pub(crate) noop: usize,
    /// Entries whose purge is under way; `apply` asks about them first
    pub(crate) in_progress: usize,
    /// File URLs to send
    pub(crate) files: usize,
    /// Directory URLs to send
    pub(crate) directories: usize,
    /// Tags to send
    pub(crate) tags: usize,
    /// Hosts to send
    pub(crate) hosts: usize,
    /// Endpoints to purge completely
    pub(crate) everything: usize,
    /// Requests to send
    pub(crate) requests: usize,
    /// Unchanged URLs that are purged with directories of the cover
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) collateral: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A directory that is purged instead of files below it
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Covered {
    /// Name of the endpoint
    pub(crate) endpoint: String,
    /// Its URL
    pub(crate) directory: String,
    /// Changes that it serves
    pub(crate) covers: usize,
    /// URLs below it that did not change
    pub(crate) collateral: usize,
}

/// An entry to purge
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Change {
    /// `purge/<name>/<kind>/<target>` or `site/<name>/<path>`
    pub(crate) address: String,
    /// Name of the endpoint
    pub(crate) endpoint: String,
    /// `file`, `directory`, `tag`, `host` or `everything`
    pub(crate) kind: Cow<'static, str>,
    /// What is purged; empty for everything
    pub(crate) target: String,
    /// Canonical URL; null for a target without one
    pub(crate) url: Option<String>,
    /// Generation last confirmed purged
    pub(crate) before: Option<String>,
    /// Generation wanted; null when the content is gone
    pub(crate) after: Option<String>,
    /// Why
    pub(crate) reason: Cow<'static, str>,
    /// The directory that is purged instead
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) covered_by: Option<String>,
    /// What its edge said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Evidence>,
    /// When the quota window that it waits for turns; null if it is sent
    #[serde(default)]
    pub(crate) deferred_until: Option<String>,
    /// Id of the commit that changed the file; absent if git cannot tell
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
}

/// What the edges served before the plan was made
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Edges {
    #[serde(flatten)]
    pub(crate) asked: Tally,
    /// Whether only a sample was asked for
    pub(crate) sampled: bool,
    /// Entries that were not asked for
    pub(crate) left_out: usize,
    /// Entries that are proven fresh and count as purged from now on
    pub(crate) adopted: usize,
}

/// An entry that counts as purged since the edges were proven to serve it
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Adopted {
    /// `purge/<name>/<kind>/<target>` or `site/<name>/<path>`
    pub(crate) address: String,
    /// Name of the endpoint
    pub(crate) endpoint: String,
    /// What would be purged
    pub(crate) target: String,
    /// What is served; null when the content is gone
    pub(crate) generation: Option<String>,
}

/// A manifest
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Manifest {
    /// `purge/<name>` or `site/<name>`
    pub(crate) address: String,
    /// Path relative to the project
    pub(crate) file: String,
    /// Line of its name, from 1
    pub(crate) line: usize,
}

/// A commit
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Commit {
    /// 40 hexadecimal digits
    pub(crate) id: String,
    /// First line of its message
    pub(crate) subject: String,
}

/// How a manifest changed
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ManifestChange {
    /// Path relative to the project
    pub(crate) file: String,
    /// Lines of a unified diff, without the file header
    pub(crate) diff: Vec<String>,
    /// Number of lines left out of `diff` for its length
    pub(crate) left_out: usize,
}

/// One request
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Step {
    pub(crate) endpoint: String,
    pub(crate) files: Vec<String>,
    pub(crate) directories: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) everything: bool,
}

/// A day's quota of one endpoint and kind
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Quota {
    pub(crate) endpoint: String,
    /// What is counted: `file`, `directory`, several joined by `+`, or `request`
    pub(crate) kind: String,
    /// Used earlier on the CDN's day, as far as known
    pub(crate) used: u64,
    /// What this plan adds
    pub(crate) planned: u64,
    /// What waits for another window
    #[serde(default)]
    pub(crate) deferred: u64,
    /// The day's limit
    pub(crate) limit: u64,
    /// What this plan keeps for emergencies
    #[serde(default)]
    pub(crate) reserve: u64,
    /// What the account has left after this plan, including the reserve
    #[serde(default)]
    pub(crate) left: u64,
    /// When the window turns; not part of the plan's id
    #[serde(default)]
    pub(crate) turns_at: Option<String>,
}

/// What purging costs at one endpoint
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Cost {
    pub(crate) endpoint: String,
    /// Items that are charged for once nothing is free any more
    pub(crate) charged: u64,
    /// In dollars: what exceeds the free items left, as far as purgit knows
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<String>,
    /// In dollars: the cost if no free item is left
    pub(crate) at_most: String,
    /// In dollars: the price of one item
    pub(crate) each: String,
    /// Free items per calendar month, for the whole account
    pub(crate) free_a_month: u64,
    /// Free items left for this endpoint, as far as purgit knows
    #[serde(default)]
    pub(crate) free_left: u64,
    /// Items used this month, charged or free, for the whole account, as far as purgit knows
    #[serde(default)]
    pub(crate) used_this_month: u64,
}

/// A safety check
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Check {
    /// As typed after `--force=`
    pub(crate) name: Cow<'static, str>,
    pub(crate) endpoint: String,
    /// `passed`, `failed` or `forced`
    pub(crate) status: Cow<'static, str>,
    /// The arithmetic, in words
    pub(crate) detail: String,
}

/// A note
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Diagnostic {
    /// `info` or `warning`
    pub(crate) severity: Cow<'static, str>,
    pub(crate) message: String,
}

/// The options that a plan was made with
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Arguments {
    /// `--since`
    pub(crate) since: Option<String>,
    /// `--to`
    pub(crate) to: Option<String>,
    /// `--verify`: `all` or `sample`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verify: Option<String>,
    /// `--target`
    pub(crate) target: Vec<String>,
    /// `--exclude`
    pub(crate) exclude: Vec<String>,
    /// `--force`
    pub(crate) force: Vec<String>,
}
