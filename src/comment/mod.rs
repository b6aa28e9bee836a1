//! One comment on a pull or merge request, kept up to date: the port to forges, and the decision what to
//! write.
//!
//! A comment is ours if its first line is our [`Marker`] and its author is the token's owner. Anybody can
//! write the marker, and we neither overwrite nor delete what others wrote. Knows nothing about plans.
//!
//! # How to add a forge
//! 1. Write `comment/<name>.rs`: a codec for the [`Request`]s and [`Response`]s of [`Forge`].
//!    [`Refusal::check`] reads statuses and rate limits.
//! 2. Select it in `cli/commands/comment.rs`.
//! 3. Add its API to the fake of `tests/integration/comment/forge.rs`.

pub mod github;
pub mod gitlab;
mod keep;
mod refusal;

use std::fmt;

pub use keep::{CallError, CommentError, Keeper};
pub use refusal::{Kind, Refusal};

use crate::secret::Secret;
use crate::transport::{Request, Response};

/// Comments per page. Thirty of GitHub's longest, with four bytes per character, stay below
/// [`crate::transport::MAX_BODY_BYTES`]: nobody can stop us with long comments.
pub const PER_PAGE: usize = 30;

/// Most pages read: more than twice the 2,500 comments that GitHub allows.
pub const MAX_PAGES: usize = 200;

/// A forge's API for the comments of one pull or merge request, as a pure codec. Methods that read an
/// answer get successes and refusals alike.
pub trait Forge: fmt::Debug + Send + Sync {
    fn name(&self) -> &'static str;
    /// The pull or merge request, in words.
    fn place(&self) -> String;
    /// The permission that the token needs, as a remedy.
    fn permission(&self) -> &'static str;
    /// Longest comment, in characters.
    fn max_chars(&self) -> usize;
    fn token(&self) -> &Secret;
    fn whoami(&self) -> Request;
    /// The owner, in the form of [`Comment::author`].
    fn owner(&self, response: &Response) -> Result<String, Refusal>;
    /// Asks for [`PER_PAGE`] comments. Pages count from 1, oldest comments first.
    fn list(&self, page: usize) -> Request;
    fn listed(&self, response: &Response) -> Result<Vec<Comment>, Refusal>;
    fn create(&self, body: &str) -> Request;
    fn update(&self, id: u64, body: &str) -> Request;
    fn delete(&self, id: u64) -> Request;
    /// Asks which requests a commit came from.
    fn origins(&self, commit: &str) -> Request;
    /// The number of the request that was merged as exactly this commit.
    fn merged_as(&self, commit: &str, response: &Response) -> Result<Option<u64>, Refusal>;
    /// The same API for another request of the repository.
    fn of(&self, number: u64) -> Box<dyn Forge>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Ascending with age.
    pub id: u64,
    /// In the form of [`Forge::owner`].
    pub author: String,
    pub body: String,
}

/// The invisible first line of our comment: tells projects and environments apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// For a project and optionally an environment. Names are percent-encoded except for letters,
    /// digits and `-._`, so that none can end the line or look like another one.
    pub fn new(project: &str, environment: Option<&str>) -> Self {
        let environment = environment.map(|name| format!(" environment={}", encoded(name)));
        let environment = environment.unwrap_or_default();
        Self(format!(
            "<!-- purgit: project={}{environment} -->",
            encoded(project)
        ))
    }

    pub fn mark(&self, text: &str) -> String {
        format!("{}\n{text}", self.0)
    }

    /// Characters that the marker takes, with its line end.
    pub fn chars(&self) -> usize {
        self.0.chars().count() + 1
    }

    /// Our comments, oldest first.
    fn ours<'c>(&self, owner: &str, comments: &'c [Comment]) -> Vec<&'c Comment> {
        let is_ours = |comment: &&Comment| comment.author == owner && self.is_on(&comment.body);
        let mut ours: Vec<_> = comments.iter().filter(is_ours).collect();
        ours.sort_unstable_by_key(|comment| comment.id);
        ours
    }

    fn is_on(&self, body: &str) -> bool {
        body.lines().next().map(str::trim_end) == Some(&self.0)
    }
}

/// A name or id as one segment of a path, or as a word of a marker.
fn encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let encode = |byte: u8| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    name.bytes().map(encode).collect()
}

/// What to do with our comment when there is nothing to purge. If there is none, none is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnNoChanges {
    /// Let it say that there is nothing to purge
    #[default]
    Update,
    /// Delete it
    Delete,
    /// Leave it as it is
    Keep,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub marker: Marker,
    pub text: String,
    /// What to do if the text says that there is nothing to do; `None` if it says more.
    pub nothing_to_say: Option<OnNoChanges>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
    Deleted,
    /// There is none, and none was wanted.
    Absent,
    /// The token may not write comments, as in pull requests from forks.
    ReadOnly(Refusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    Create,
    Update(u64),
    Delete(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub writes: Vec<Write>,
    /// If all writes succeed.
    pub outcome: Outcome,
}

impl Wanted {
    /// Concurrent runs may have left several comments of ours: the oldest stays.
    pub fn decide(&self, owner: &str, comments: &[Comment]) -> Decision {
        let ours = self.marker.ours(owner, comments);
        let delete = |comments: &[&Comment]| -> Vec<_> {
            let ids = comments.iter().map(|comment| comment.id);
            ids.map(Write::Delete).collect()
        };
        let (mut writes, outcome) = match (ours.split_first(), self.nothing_to_say) {
            (None, Some(_)) => (Vec::new(), Outcome::Absent),
            (None, None) => (vec![Write::Create], Outcome::Created),
            (Some(_), Some(OnNoChanges::Delete)) => {
                return Decision {
                    writes: delete(&ours),
                    outcome: Outcome::Deleted,
                };
            }
            (Some(_), Some(OnNoChanges::Keep)) => (Vec::new(), Outcome::Unchanged),
            (Some((oldest, _)), Some(OnNoChanges::Update) | None) => {
                match is_same(&oldest.body, &self.body()) {
                    true => (Vec::new(), Outcome::Unchanged),
                    false => (vec![Write::Update(oldest.id)], Outcome::Updated),
                }
            }
        };
        writes.extend(delete(ours.get(1..).unwrap_or_default()));
        Decision { writes, outcome }
    }

    pub fn body(&self) -> String {
        self.marker.mark(&self.text)
    }
}

/// Forges keep line ends as a browser sent them, and drop trailing blanks.
fn is_same(one: &str, other: &str) -> bool {
    let lines = |text: &str| text.trim_end().replace("\r\n", "\n");
    lines(one) == lines(other)
}

/// Whether there is a next page: by the `Link` header, else if this page is full.
fn is_followed(response: &Response, comments: usize) -> bool {
    match response.header("link") {
        Some(links) => links.split(',').any(|link| link.contains("rel=\"next\"")),
        None => comments >= PER_PAGE,
    }
}
