//! Where state and status are stored: in a file of the project, or on a git ref of purgit's own.

use std::path::{Path, PathBuf};

use crate::diagnostic::shown;
use crate::field::{
    Fields, Shape, Wrong, block, boolean, field, nested, parsed, path, relative_path, wrong,
};
use crate::yaml::problem::Problem;

/// The manifest that marks a project's root and contains its `Project`.
pub const ROOT_FILE: &str = "purgit.yaml";

/// State file unless `spec.state` sets another.
pub const DEFAULT_STATE_FILE: &str = ".purgit/state.json";

/// Status file unless `spec.status` sets another.
pub const DEFAULT_STATUS_FILE: &str = "purgit.status.yaml";

/// Where the state is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatePlace {
    File(PathBuf),
    /// A ref of the repository that contains the project.
    Git(GitRef),
}

impl Default for StatePlace {
    fn default() -> Self {
        Self::File(DEFAULT_STATE_FILE.into())
    }
}

impl StatePlace {
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            Self::Git(_) => None,
        }
    }

    pub fn remote(&self) -> Option<&str> {
        match self {
            Self::File(_) => None,
            Self::Git(at) => at.remote.as_deref(),
        }
    }
}

/// Where the status is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusPlace {
    File(PathBuf),
    /// A ref of the repository that contains the project.
    Git(GitRef),
    /// A note on the applied commit.
    GitNote,
}

impl Default for StatusPlace {
    fn default() -> Self {
        Self::File(DEFAULT_STATUS_FILE.into())
    }
}

impl StatusPlace {
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            Self::Git(_) | Self::GitNote => None,
        }
    }
}

block! {
    /// A git ref that only purgit writes, in the repository that contains the project.
    #[derive(PartialEq, Eq)]
    pub struct GitRef(GitRefDraft) {
        /// Its full name, such as `refs/purgit/state`. Not a branch or tag.
        name: String = field("ref", ref_name()),
        /// Name of the remote to fetch from and push to. Without one, the ref is only kept in this repository.
        remote: Option<String> = field("remote", remote_name()).optional(),
    }
}

block! {
    /// Where the state is stored: exactly one of these.
    struct StateField(StateFieldDraft, check_state) {
        /// A path relative to the project's root.
        file: Option<PathBuf> = field("file", path(own_file)).choice(),
        /// A separate git ref: nothing is committed to a branch.
        git: Option<GitRef> = field("git", nested()).choice(),
    }
}

block! {
    /// Where the status is written: exactly one of these.
    struct StatusField(StatusFieldDraft, check_status) {
        /// A path relative to the project's root.
        file: Option<PathBuf> = field("file", path(own_file)).choice(),
        /// A separate git ref. Its remote defaults to the state's.
        git: Option<GitRef> = field("git", nested()).choice(),
        /// `true`: a git note on the applied commit, in `refs/notes/purgit`.
        git_note: Option<bool> = field("gitNote", boolean().with("enum", vec![true])).choice(),
    }
}

pub(super) fn state() -> Shape<StatePlace> {
    let place = |found: StateField| {
        let file = found.file.map(StatePlace::File);
        file.or(found.git.map(StatePlace::Git))
    };
    nested::<StateField>().via(place, |place| match place.clone() {
        StatePlace::File(file) => StateField {
            file: Some(file),
            git: None,
        },
        StatePlace::Git(git) => StateField {
            file: None,
            git: Some(git),
        },
    })
}

pub(super) fn status() -> Shape<StatusPlace> {
    let place = |found: StatusField| {
        let file = found.file.map(StatusPlace::File);
        let git = found.git.map(StatusPlace::Git);
        let note = found.git_note.map(|_| StatusPlace::GitNote);
        file.or(git).or(note)
    };
    nested::<StatusField>().via(place, |place| {
        let (file, git, git_note) = match place.clone() {
            StatusPlace::File(file) => (Some(file), None, None),
            StatusPlace::Git(git) => (None, Some(git), None),
            StatusPlace::GitNote => (None, None, Some(true)),
        };
        StatusField {
            file,
            git,
            git_note,
        }
    })
}

fn check_state(_: &StateFieldDraft, fields: &Fields<'_>) {
    one_of(fields, &["file", "git"], "`{ file: .purgit/state.json }`");
}

fn check_status(draft: &StatusFieldDraft, fields: &Fields<'_>) {
    let forms = ["file", "git", "gitNote"];
    one_of(fields, &forms, "`{ file: purgit.status.yaml }`");
    if let Some(found) = draft
        .git_note
        .as_ref()
        .filter(|found| found.value == Some(false))
    {
        let problem = Problem::error(found.span, "`gitNote` can only be `true`");
        fields
            .problems()
            .push(problem.hint("remove the line, and name a `file`"));
    }
}

fn one_of(fields: &Fields<'_>, forms: &[&'static str], example: &str) {
    let given = forms
        .iter()
        .filter(|form| fields.peek(form).is_some())
        .count();
    if given != 1 {
        let names: Vec<_> = forms.iter().map(|form| format!("`{form}`")).collect();
        let message = format!(
            "expected exactly one of {}, found {given} of them",
            names.join(", ")
        );
        let problem = Problem::error(fields.span(), message);
        fields
            .problems()
            .push(problem.hint(format!("such as {example}")));
    }
}

/// A path that is neither a manifest nor in git's folder.
fn own_file(text: &str) -> Result<PathBuf, Wrong> {
    let path = relative_path(text)?;
    if path.as_os_str() == ROOT_FILE {
        return Err(wrong(format!("`{ROOT_FILE}` would be overwritten"), ""));
    }
    // Some file systems treat `.GIT` as the same folder.
    if path.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
        let hint = format!("choose a file elsewhere, such as `{DEFAULT_STATE_FILE}`");
        return Err(wrong(
            "the path leads into `.git`, which belongs to git",
            &hint,
        ));
    }
    Ok(path)
}

/// Names of branches, tags and git's own refs.
const TAKEN: [&str; 9] = [
    "refs/heads/",
    "refs/tags/",
    "refs/remotes/",
    "refs/notes/",
    "refs/pull/",
    "refs/merge-requests/",
    "refs/bisect/",
    "refs/worktree/",
    "refs/replace/",
];

const REF_HINT: &str = "choose one below `refs/purgit/`, such as `refs/purgit/state`";

fn ref_name() -> Shape<String> {
    let parse = |text: &str| {
        if TAKEN.iter().any(|taken| text.starts_with(taken)) {
            let message = format!("`{}` is not a ref for purgit alone", shown(text));
            return Err(wrong(message, REF_HINT));
        }
        match is_ref(text) {
            true => Ok(text.to_owned()),
            false => Err(wrong("not the full name of a git ref", REF_HINT)),
        }
    };
    parsed("ref", parse).pattern("^refs/[^/].*/.*[^/]$")
}

/// Follows the rules of `git check-ref-format`, in ASCII only.
fn is_ref(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+=@%,".contains(c);
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
            && part != "@"
            && !part.to_ascii_lowercase().ends_with(".lock")
            && !part.contains("..")
            && part.chars().all(is_plain)
    };
    let mut parts = text.split('/');
    parts.next() == Some("refs") && parts.clone().count() >= 2 && parts.all(is_part)
}

fn remote_name() -> Shape<String> {
    let parse = |text: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(is_plain)
            && !text.contains("..");
        match is_name {
            true => Ok(text.to_owned()),
            false => Err(wrong(
                "not the name of a git remote",
                "a name that `git remote` prints, such as `origin`",
            )),
        }
    };
    parsed("remote", parse).pattern("^[A-Za-z0-9][A-Za-z0-9._/-]*$")
}
