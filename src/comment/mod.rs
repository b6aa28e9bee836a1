//! One comment on a pull or merge request, kept up to date: the port to forges, and what to do given the
//! comments that are there.
//!
//! Ours is a comment whose first line is our [`Marker`] and whose author is the token's owner: anybody
//! may write the marker, and what others wrote is neither overwritten nor deleted. Knows no plan.
//!
//! # How to add a forge
//! 1. Write `comment/<name>.rs`: a codec from each question to a [`Request`], and from its [`Response`] to an
//!    answer. [`Refusal::check`] reads statuses and rate limits.
//! 2. Say when it is meant in `cli/commands/comment.rs`.
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

/// Comments asked for at once. Thirty of GitHub's longest, of four bytes a character, stay below
/// [`crate::transport::MAX_BODY_BYTES`]: nobody can stop us by writing long ones.
pub const PER_PAGE: usize = 30;

/// Pages that are looked at: more than twice the 2,500 comments that GitHub takes.
pub const MAX_PAGES: usize = 200;

/// A forge's API for the comments of one pull or merge request, as a pure codec. What reads an answer
/// is given successes and refusals alike.
pub trait Forge: fmt::Debug + Send + Sync {
    /// What people call it.
    fn name(&self) -> &'static str;
    /// What the comments are on, in words.
    fn place(&self) -> String;
    /// What the token must be allowed to do, as a remedy.
    fn permission(&self) -> &'static str;
    /// Longest comment, in characters.
    fn max_chars(&self) -> usize;
    /// What proves who we are, for masking.
    fn token(&self) -> &Secret;
    /// Asks whose the token is.
    fn whoami(&self) -> Request;
    /// Its owner, as the author of comments.
    fn owner(&self, response: &Response) -> Result<String, Refusal>;
    /// Asks for [`PER_PAGE`] comments. Pages count from 1, oldest comments first.
    fn list(&self, page: usize) -> Request;
    /// The comments of a page.
    fn listed(&self, response: &Response) -> Result<Vec<Comment>, Refusal>;
    /// Writes a comment.
    fn create(&self, body: &str) -> Request;
    /// Replaces a comment's text.
    fn update(&self, id: u64, body: &str) -> Request;
    /// Deletes a comment.
    fn delete(&self, id: u64) -> Request;
    /// Asks which requests a commit came from.
    fn origins(&self, commit: &str) -> Request;
    /// The number of the one that was merged as just this commit.
    fn merged_as(&self, commit: &str, response: &Response) -> Result<Option<u64>, Refusal>;
    /// The same for another request of the repository.
    fn of(&self, number: u64) -> Box<dyn Forge>;
}

/// A comment that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Ascending with its age.
    pub id: u64,
    /// As [`Forge::owner`] tells it.
    pub author: String,
    /// Its text.
    pub body: String,
}

/// The first line of our comment, which readers do not see: it tells one project and environment from
/// another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// For a project, and for one of its environments. No name can end the line or look like another
    /// one: what is no letter, digit or one of `-._` is percent-encoded.
    pub fn new(project: &str, environment: Option<&str>) -> Self {
        let environment = environment.map(|name| format!(" environment={}", encoded(name)));
        let environment = environment.unwrap_or_default();
        Self(format!(
            "<!-- purgit: project={}{environment} -->",
            encoded(project)
        ))
    }

    /// The text of our comment that says so.
    pub fn mark(&self, text: &str) -> String {
        format!("{}\n{text}", self.0)
    }

    /// Characters that it takes of a comment, its line end included.
    pub fn chars(&self) -> usize {
        self.0.chars().count() + 1
    }

    /// Our comments among all of them, the oldest first.
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

/// A name or an id as one segment of a path, or a word of a marker.
fn encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let encode = |byte: u8| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    name.bytes().map(encode).collect()
}

/// What to do with our comment when there is nothing to say. Where there is none, none is written.
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

/// What our comment is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Finds it.
    pub marker: Marker,
    /// The text below the marker.
    pub text: String,
    /// What to do with it when the text says that there is nothing to do; nothing special when it says
    /// more.
    pub nothing_to_say: Option<OnNoChanges>,
}

/// What became of our comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is one now.
    Created,
    /// It says something else now.
    Updated,
    /// It stays as it is.
    Unchanged,
    /// It is gone.
    Deleted,
    /// There is none, and none was wanted.
    Absent,
    /// The token may not write comments, as it is in pull requests from forks.
    ReadOnly(Refusal),
}

/// One request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Our first comment.
    Create,
    /// Another text for the comment with that id.
    Update(u64),
    /// Take it away.
    Delete(u64),
}

/// What to do, and what will have become of our comment then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// In order.
    pub writes: Vec<Write>,
    /// Once all of them went through.
    pub outcome: Outcome,
}

impl Wanted {
    /// What to do given all comments. Two runs at once may have left several of ours: the oldest stays.
    pub fn decide(&self, owner: &str, comments: &[Comment]) -> Decision {
        let ours = self.marker.ours(owner, comments);
        let delete = |comments: &[&Comment]| -> Vec<_> {
            let ids = comments.iter().map(|comment| Write::Delete(comment.id));
            ids.collect()
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

    /// The whole comment.
    pub fn body(&self) -> String {
        self.marker.mark(&self.text)
    }
}

/// Forges keep line ends as a browser sent them, and drop blanks at the end.
fn is_same(one: &str, other: &str) -> bool {
    let lines = |text: &str| text.trim_end().replace("\r\n", "\n");
    lines(one) == lines(other)
}

/// Whether a page follows one with so many comments: as the `Link` header says, and where there is
/// none, after a full one.
fn is_followed(response: &Response, comments: usize) -> bool {
    match response.header("link") {
        Some(links) => links.split(',').any(|link| link.contains("rel=\"next\"")),
        None => comments >= PER_PAGE,
    }
}
