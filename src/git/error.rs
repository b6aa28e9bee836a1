//! [io] Errors of a repository, and what to do about them.

use std::path::PathBuf;

use thiserror::Error;

use crate::content::ContentError;
use crate::diagnostic::listed;

#[derive(Debug, Error)]
pub enum GitError {
    /// Neither the path nor a folder above it is a repository.
    #[error("`{}` is not in a git repository", path.display())]
    NoRepository { path: PathBuf },
    /// The repository belongs to another user, so git refuses it (CVE-2022-24765).
    #[error("the git repository of `{}` belongs to another user", path.display())]
    Ownership { path: PathBuf },
    /// A SHA-256 or reftable repository, or one with an extension newer than libgit2.
    #[error("the git repository of `{}` has a format that purgit cannot read", path.display())]
    UnsupportedFormat { path: PathBuf, source: git2::Error },
    #[error("cannot open the git repository of `{}`", path.display())]
    Open { path: PathBuf, source: git2::Error },
    #[error("cannot find the work tree `{}`", path.display())]
    WorkTree {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("`{}` is a bare git repository, without a work tree", path.display())]
    Bare { path: PathBuf },
    #[error("`{}` is not in the work tree `{}`", path.display(), work_tree.display())]
    Outside { path: PathBuf, work_tree: PathBuf },
    #[error("there is no revision `{revision}`")]
    UnknownRevision {
        revision: String,
        /// Names of branches and tags that look similar, best first.
        similar: Vec<String>,
    },
    #[error("there is no revision `{revision}` in this shallow clone")]
    Shallow { revision: String },
    /// Only zeros: what CI services give as the base of a branch's first push.
    #[error("the revision `{revision}` is only zeros, which stands for no commit")]
    ZeroRevision { revision: String },
    #[error("the revision `{revision}` is ambiguous")]
    AmbiguousRevision { revision: String },
    #[error("`{revision}` is a range, not a revision")]
    Range {
        revision: String,
        from: String,
        to: String,
    },
    #[error("`{revision}` is not a commit")]
    NotACommit { revision: String },
    /// An object that a partial clone lacks.
    #[error("the object {id} is missing from the repository")]
    MissingObject { id: String },
    #[error("`{path}` has {size} bytes, more than {limit}")]
    TooLarge {
        path: String,
        size: usize,
        limit: usize,
    },
    #[error(transparent)]
    Content(ContentError),
    #[error("cannot run the `git` command")]
    NoCommand { source: std::io::Error },
    #[error("the repository has no remote `{remote}`")]
    UnknownRemote { remote: String, known: Vec<String> },
    #[error("other writers keep changing the ref")]
    Busy,
    #[error("cannot {doing}: {said}")]
    Command { doing: String, said: String },
    #[error("cannot {doing}: git took longer than {limit:?}")]
    TimedOut {
        doing: String,
        limit: std::time::Duration,
    },
    #[error("git cannot {doing}")]
    Other {
        doing: &'static str,
        source: git2::Error,
    },
}

impl GitError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoRepository { .. } => {
                "run it in a git work tree, or plan against the state, without `--since`".to_owned()
            }
            Self::Ownership { path } => format!(
                "if you trust it, run `git config --global --add safe.directory {}`",
                path.display()
            ),
            Self::UnsupportedFormat { .. } => "SHA-256 and reftable repositories cannot be read; \
                 keep state and status in files, and plan without `--since`"
                .to_owned(),
            Self::UnknownRevision { similar, .. } if similar.is_empty() => {
                "`git log --oneline --all` shows what there is; \
                 `git fetch` gets what others have pushed"
                    .to_owned()
            }
            Self::UnknownRevision { similar, .. } => {
                let names: Vec<_> = similar.iter().map(|name| format!("`{name}`")).collect();
                format!("did you mean {}?", names.join(" or "))
            }
            Self::Shallow { .. } => "get the whole history with `git fetch --unshallow`; \
                 with actions/checkout, set `fetch-depth: 0`"
                .to_owned(),
            Self::ZeroRevision { .. } => {
                "a new branch has no base: name one, such as `origin/main`, \
                 or plan against the state, without `--since`"
                    .to_owned()
            }
            Self::AmbiguousRevision { .. } => "give more digits of the id".to_owned(),
            Self::Range { from, to, .. } => format!("use `--since {from} --to {to}`"),
            Self::MissingObject { .. } => "a partial clone lacks objects until they are used: \
                 `git fetch --refetch --no-filter` gets them all"
                .to_owned(),
            Self::Content(error) => return error.hint().map(str::to_owned),
            Self::NoCommand { .. } => "install git, or leave out `remote`: then the ref is only \
                 kept here"
                .to_owned(),
            Self::UnknownRemote { known, .. } => match &**known {
                [] => "add it with `git remote add`, or leave `remote` out".to_owned(),
                known => format!("there is {}", listed(known.iter().map(|name| &**name))),
            },
            Self::Command { .. } => self.refusal().to_owned(),
            Self::TimedOut { .. } => REACH.to_owned(),
            Self::Busy => "try again".to_owned(),
            Self::Open { .. }
            | Self::WorkTree { .. }
            | Self::Bare { .. }
            | Self::Outside { .. }
            | Self::NotACommit { .. }
            | Self::TooLarge { .. }
            | Self::Other { .. } => return None,
        };
        Some(text)
    }
}

const REACH: &str = "the remote must be reachable from here: try `git ls-remote`";

/// Messages of git when another process updates the same ref, or when a signal ended git.
const PASSING: [&str; 5] = [
    "cannot lock",
    ".lock'",
    "failed to update ref",
    "stale info",
    "git ended with signal",
];

/// Messages of git and of servers, and the hint for each.
const REFUSALS: [(&[&str], &str); 3] = [
    (
        &[
            "authentication failed",
            "could not read username",
            "could not read password",
            "terminal prompts disabled",
            "publickey",
            "host key verification",
        ],
        "git finds no credentials here that the remote takes: `git push --dry-run` must work \
         without asking",
    ),
    (
        &[
            "remote rejected",
            "denied",
            "403",
            "not allowed",
            "protected",
        ],
        "the remote does not take this ref from here: allow who runs this to push to it (in GitHub \
         Actions `permissions: { contents: write }`)",
    ),
    (
        &PASSING,
        "if no git runs here any more, remove the file that ends in `.lock`",
    ),
];

impl GitError {
    /// Whether git's output contains these words.
    pub(super) fn says(&self, words: &str) -> bool {
        matches!(self, Self::Command { said, .. } if said.to_lowercase().contains(words))
    }

    /// Whether another process was in the way, so that a retry can succeed.
    pub(super) fn is_passing(&self) -> bool {
        let is_locked = matches!(self, Self::Other { source, .. }
            if source.code() == git2::ErrorCode::Locked);
        is_locked || PASSING.iter().any(|words| self.says(words))
    }

    fn refusal(&self) -> &'static str {
        let mut refusals = REFUSALS.iter();
        let known = refusals.find(|(words, _)| words.iter().any(|word| self.says(word)));
        known.map_or(REACH, |(_, hint)| *hint)
    }
}

impl From<ContentError> for GitError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Unreadable { path, source } => match source.downcast::<Self>() {
                Ok(error) => *error,
                Err(source) => Self::Content(ContentError::Unreadable { path, source }),
            },
            other => Self::Content(other),
        }
    }
}

pub(super) fn other(doing: &'static str) -> impl Fn(git2::Error) -> GitError + Copy {
    move |source| GitError::Other { doing, source }
}
