//! `[io]` Resolves revisions, as people and CI services write them, to commits.

use chrono::{DateTime, Utc};
use git2::{ErrorCode, Oid};

use super::error::other;
use super::{GitError, Repository, TreeId};

/// Most names suggested for an unknown revision.
const MAX_SIMILAR: usize = 3;

/// How similar a name must be to be suggested, from 0 to 1 (Jaro-Winkler): catches a typo in names
/// of four letters or more.
const SIMILAR_ENOUGH: f64 = 0.85;

/// A revision of only zeros stands for "no commit" from this length on: git's shortest abbreviation.
const MIN_ZEROS: usize = 7;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// As the user wrote it.
    pub name: String,
    /// `None` for the `HEAD` of a branch without commits: its tree is empty.
    pub commit: Option<Commit>,
    pub tree: TreeId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    /// The shortest unique abbreviation, at least seven digits.
    pub short: String,
    pub time: DateTime<Utc>,
}

impl Revision {
    pub(super) fn commit_id(&self) -> Option<Oid> {
        Oid::from_str(&self.commit.as_ref()?.id).ok()
    }
}

impl Repository {
    pub fn head(&self) -> Result<Revision, GitError> {
        self.resolve("HEAD")
    }

    /// The commit that a revision names: `HEAD~3`, a branch, a tag, `origin/main`, `@{u}`, an id or
    /// the start of one, or anything else that gitrevisions(7) allows for one commit.
    pub fn resolve(&self, revision: &str) -> Result<Revision, GitError> {
        if revision.len() >= MIN_ZEROS && revision.bytes().all(|digit| digit == b'0') {
            return Err(GitError::ZeroRevision {
                revision: revision.to_owned(),
            });
        }
        self.with(|handle| {
            if matches!(revision, "HEAD" | "@") && is_unborn(handle) {
                return Ok(Revision {
                    name: revision.to_owned(),
                    commit: None,
                    tree: TreeId::empty()?,
                });
            }
            let object = handle
                .revparse_single(revision)
                .map_err(|source| unresolved(handle, revision, source))?;
            let commit = object.peel_to_commit().map_err(|_| GitError::NotACommit {
                revision: revision.to_owned(),
            })?;
            let short = commit.as_object().short_id().ok();
            let short = short.and_then(|short| short.as_str().map(str::to_owned).ok());
            let id = commit.id().to_string();
            Ok(Revision {
                name: revision.to_owned(),
                commit: Some(Commit {
                    short: short.unwrap_or_else(|| id.clone()),
                    id,
                    time: DateTime::from_timestamp(commit.time().seconds(), 0).unwrap_or_default(),
                }),
                tree: TreeId(commit.tree_id()),
            })
        })
    }
}

fn is_unborn(handle: &git2::Repository) -> bool {
    handle
        .head()
        .is_err_and(|error| error.code() == ErrorCode::UnbornBranch)
}

fn unresolved(handle: &git2::Repository, name: &str, source: git2::Error) -> GitError {
    let revision = name.to_owned();
    if let Some((from, to)) = name.split_once("..") {
        let end = |end: &str| if end.is_empty() { "HEAD" } else { end }.to_owned();
        return GitError::Range {
            from: end(from),
            to: end(to.trim_start_matches('.')),
            revision,
        };
    }
    match source.code() {
        ErrorCode::Ambiguous => GitError::AmbiguousRevision { revision },
        ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::UnbornBranch => {
            let similar = similar(handle, name);
            if similar.is_empty() && handle.is_shallow() {
                GitError::Shallow { revision }
            } else {
                GitError::UnknownRevision { similar, revision }
            }
        }
        _ => other("resolve a revision")(source),
    }
}

/// Names of similar branches and tags, best first.
fn similar(handle: &git2::Repository, written: &str) -> Vec<String> {
    let end = written.find(['~', '^', '@', ':']).unwrap_or(written.len());
    let (name, suffix) = written.split_at(end);
    if name.is_empty() || Oid::from_str(name).is_ok() && name.len() >= MIN_ZEROS {
        return Vec::new();
    }
    if handle.revparse_single(name).is_ok() {
        // The name exists; the suffix is wrong.
        return Vec::new();
    }
    let mut scored: Vec<(f64, String)> = Vec::new();
    let references = handle.references().into_iter().flatten().flatten();
    for reference in references {
        let Ok(known) = reference.shorthand() else {
            continue;
        };
        let last = known.rsplit_once('/').map_or(known, |(_, last)| last);
        let score = if last == name {
            1.0
        } else {
            strsim::jaro_winkler(name, known).max(strsim::jaro_winkler(name, last))
        };
        if score >= SIMILAR_ENOUGH && known != name {
            scored.push((score, format!("{known}{suffix}")));
        }
    }
    scored.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    scored.dedup();
    scored.truncate(MAX_SIMILAR);
    scored.into_iter().map(|(_, name)| name).collect()
}
