//! [io] What can go wrong with a repository, and what to do about it.

use std::path::PathBuf;

use thiserror::Error;

use crate::content::ContentError;
use crate::diagnostic::listed;

/// Why git could not answer.
#[derive(Debug, Error)]
pub enum GitError {
    /// Neither the path nor a folder above it is a repository.
    #[error("`{}` is not in a git repository", path.display())]
    NoRepository {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The repository belongs to another user, so git refuses it (CVE-2022-24765).
    #[error("the git repository of `{}` belongs to another user", path.display())]
    Ownership {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// SHA-256, reftable, or an extension newer than libgit2.
    #[error("the git repository of `{}` has a format that purgit cannot read", path.display())]
    UnsupportedFormat {
        /// Where it was looked for.
        path: PathBuf,
        /// What libgit2 says.
        source: git2::Error,
    },
    /// The repository is there, but does not open.
    #[error("cannot open the git repository of `{}`", path.display())]
    Open {
        /// Where it was looked for.
        path: PathBuf,
        /// What libgit2 says.
        source: git2::Error,
    },
    /// The work tree is not where the repository says.
    #[error("cannot find the work tree `{}`", path.display())]
    WorkTree {
        /// Where it should be.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
    /// The repository has no work tree.
    #[error("`{}` is a bare git repository, without a work tree", path.display())]
    Bare {
        /// The repository's folder.
        path: PathBuf,
    },
    /// The path is not below the work tree.
    #[error("`{}` is not in the work tree `{}`", path.display(), work_tree.display())]
    Outside {
        /// What was asked for.
        path: PathBuf,
        /// Where the repository is checked out.
        work_tree: PathBuf,
    },
    /// No such revision.
    #[error("there is no revision `{revision}`")]
    UnknownRevision {
        /// As asked for.
        revision: String,
        /// Names of branches and tags that look like it, best first.
        similar: Vec<String>,
    },
    /// No such revision here, where history was cut off.
    #[error("there is no revision `{revision}` in this shallow clone")]
    Shallow {
        /// As asked for.
        revision: String,
    },
    /// Only zeros: what CI services give as the base of a branch's first push.
    #[error("the revision `{revision}` is not a commit but git's way to say that there is none")]
    ZeroRevision {
        /// As asked for.
        revision: String,
    },
    /// An abbreviated id of several objects.
    #[error("the revision `{revision}` is ambiguous")]
    AmbiguousRevision {
        /// As asked for.
        revision: String,
    },
    /// A range where one revision is needed.
    #[error("`{revision}` is a range, not a revision")]
    Range {
        /// As asked for.
        revision: String,
        /// Where the range starts.
        from: String,
        /// Where it ends.
        to: String,
    },
    /// A blob or tree.
    #[error("`{revision}` is not a commit")]
    NotACommit {
        /// As asked for.
        revision: String,
    },
    /// A part of the history that is not here.
    #[error("the object {id} is missing from the repository")]
    MissingObject {
        /// 40 hexadecimal digits.
        id: String,
    },
    /// A file too large for its purpose.
    #[error("`{path}` has {size} bytes, more than {limit}")]
    TooLarge {
        /// From the top of the tree.
        path: String,
        /// Bytes it has.
        size: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// The tree holds what cannot be listed.
    #[error(transparent)]
    Content(ContentError),
    /// There is no `git` command to fetch and push with.
    #[error("cannot run the `git` command")]
    NoCommand {
        /// What the system says.
        source: std::io::Error,
    },
    /// No such remote.
    #[error("the repository has no remote `{remote}`")]
    UnknownRemote {
        /// As asked for.
        remote: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// Others write faster.
    #[error("others change the ref faster than it can be written")]
    Busy,
    /// The `git` command failed.
    #[error("cannot {doing}: {said}")]
    Command {
        /// What was tried.
        doing: String,
        /// What it said, in one line.
        said: String,
    },
    /// The `git` command took too long.
    #[error("cannot {doing}: git took longer than {limit:?}")]
    TimedOut {
        /// What was tried.
        doing: String,
        /// How long it may take.
        limit: std::time::Duration,
    },
    /// Anything else.
    #[error("git cannot {doing}")]
    Other {
        /// What was tried.
        doing: &'static str,
        /// What libgit2 says.
        source: git2::Error,
    },
}

impl GitError {
    /// What to do about it, where there is something to say.
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
            Self::Command { .. } => return self.refusal().map(str::to_owned),
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

/// What to look at when a remote does not answer.
const REACH: &str = "the remote must be reachable from here: try `git ls-remote`";

/// What git says while somebody else updates the same ref, or when a signal ended it.
const PASSING: [&str; 5] = [
    "cannot lock",
    ".lock'",
    "failed to update ref",
    "stale info",
    "git ended with signal",
];

/// What the words of git and of servers tell.
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
    /// Whether what git said has such words.
    pub(super) fn says(&self, words: &str) -> bool {
        matches!(self, Self::Command { said, .. } if said.to_lowercase().contains(words))
    }

    /// Whether only somebody else's update stood in the way, for a moment.
    pub(super) fn is_passing(&self) -> bool {
        let is_locked = matches!(self, Self::Other { source, .. }
            if source.code() == git2::ErrorCode::Locked);
        is_locked || PASSING.iter().any(|words| self.says(words))
    }

    fn refusal(&self) -> Option<&'static str> {
        let tells = |words: &&&str| self.says(words);
        let told = REFUSALS
            .iter()
            .find(|(words, _)| words.iter().any(|word| tells(&word)));
        told.map(|(_, hint)| *hint).or(Some(REACH))
    }
}

impl From<ContentError> for GitError {
    /// A git error that went through a walk comes out as itself.
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

pub(super) fn other(doing: &'static str) -> impl Fn(git2::Error) -> GitError {
    move |source| GitError::Other { doing, source }
}
