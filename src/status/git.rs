//! `[io]` The status document in git: in a file on a separate ref, or as a note on the applied commit.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::StatusDocument;
use super::file::{StatusError, StatusSink, is_ours, parse, to_yaml};
use crate::clock::Clock;
use crate::git::own_ref::{Change, Files, OwnRef, Published, Tip};
use crate::git::{Commit, GitError};

/// `git log --notes=purgit` shows the notes.
const NOTES: &str = "refs/notes/purgit";

const FILE: &str = "purgit.status.yaml";

/// How long a remote's answer counts as current: a push notices if it is not.
const FRESH: Duration = Duration::from_secs(3);

/// Attempts to write a status on top of what others have pushed.
const ATTEMPTS: usize = 20;

/// Commits after which the history of a ref restarts. The history of notes does not.
const MAX_COMMITS: usize = 400;

/// Precedes the id of the annotated commit, in the message of the note's commit.
const NOTE_ON: &str = "purgit: status of ";

#[derive(Debug)]
pub struct GitStatus {
    own: OwnRef,
    kind: Kind,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
enum Kind {
    Ref,
    Note { root: PathBuf, revision: String },
}

impl GitStatus {
    /// On a ref of the repository that contains `root`.
    pub fn on_ref(
        root: &Path,
        name: &str,
        remote: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StatusError> {
        Self::open(root, name, remote, Kind::Ref, clock)
    }

    /// As a note on a revision.
    pub fn as_note(
        root: &Path,
        revision: &str,
        remote: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StatusError> {
        let kind = Kind::Note {
            root: root.to_owned(),
            revision: revision.to_owned(),
        };
        Self::open(root, NOTES, remote, kind, clock)
    }

    fn open(
        root: &Path,
        name: &str,
        remote: Option<&str>,
        kind: Kind,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StatusError> {
        let own = OwnRef::open(root, name, remote).map_err(|source| StatusError::Git {
            action: "find",
            place: name.to_owned(),
            source,
        })?;
        Ok(Self { own, kind, clock })
    }

    fn failed(&self, action: &'static str) -> impl Fn(GitError) -> StatusError {
        let place = self.own.place();
        move |source| StatusError::Git {
            action,
            place: place.clone(),
            source,
        }
    }

    /// The text at a path, if it is ours.
    fn text(&self, files: &Files, path: &str) -> Result<Option<String>, StatusError> {
        let Some(id) = files.get(path) else {
            return Ok(None);
        };
        let bytes = self.own.read(*id).map_err(self.failed("read"))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match is_ours(&text) {
            true => Ok(Some(text)),
            false => Err(StatusError::Foreign(self.own.place().into())),
        }
    }

    /// The commit to annotate; `None` on a ref.
    fn commit(&self) -> Result<Option<Commit>, StatusError> {
        match &self.kind {
            Kind::Ref => Ok(None),
            Kind::Note { revision, .. } => {
                let revision = self.own.repository().resolve(revision);
                let commit = revision.map_err(self.failed("write"))?.commit;
                commit.map(Some).ok_or(StatusError::NoCommit)
            }
        }
    }

    fn yaml(
        &self,
        document: &StatusDocument,
        commit: Option<&Commit>,
    ) -> Result<String, StatusError> {
        let yaml = to_yaml(document)?;
        let (Kind::Note { root, revision }, Some(commit)) = (&self.kind, commit) else {
            return Ok(yaml);
        };
        let repository = self.own.repository();
        let is_dirty = revision == "HEAD"
            && repository.work_tree().is_some()
            && repository
                .relative(root)
                .and_then(|project| repository.is_dirty(&[&project]))
                .map_err(self.failed("write"))?;
        let with = match is_dirty {
            true => ", with changes that were not committed",
            false => "",
        };
        Ok(format!("# Of commit {}{with}.\n{yaml}", commit.id))
    }

    fn files(&self, tip: Option<Tip>) -> Result<Files, StatusError> {
        let files = tip.map(|tip| self.own.files(tip)).transpose();
        Ok(files.map_err(self.failed("read"))?.unwrap_or_default())
    }
}

/// The path of a commit's note: notes may be spread over folders by the first digits.
fn note_path(files: &Files, commit: &str) -> String {
    let is_note = |path: &&String| {
        path.len() >= commit.len() && path.split('/').flat_map(str::bytes).eq(commit.bytes())
    };
    let found = files.keys().find(is_note);
    found.cloned().unwrap_or_else(|| commit.to_owned())
}

impl StatusSink for GitStatus {
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError> {
        let commit = self.commit()?;
        // Without a network, use the last fetch: only times are taken from it.
        let tip = self.own.refresh(FRESH).or_else(|_| self.own.known());
        let Some(tip) = tip.map_err(self.failed("read"))? else {
            return Ok(None);
        };
        let files = self.files(Some(tip))?;
        let path = match commit {
            None if !files.contains_key(FILE) => {
                return Err(StatusError::Foreign(self.own.place().into()));
            }
            None => FILE.to_owned(),
            Some(commit) => {
                // Check before the run that the note can be replaced.
                self.text(&files, &note_path(&files, &commit.id))?;
                let message = self.own.message(tip).map_err(self.failed("read"))?;
                let last = message.strip_prefix(NOTE_ON);
                let last = last.and_then(|rest| rest.split_whitespace().next());
                note_path(&files, last.unwrap_or(&commit.id))
            }
        };
        Ok(self.text(&files, &path)?.and_then(|text| parse(&text)))
    }

    fn write(&self, document: &StatusDocument) -> Result<(), StatusError> {
        let commit = self.commit()?;
        let text = self.yaml(document, commit.as_ref())?;
        let failed = self.failed("write");
        let id = self.own.write(text.as_bytes()).map_err(&failed)?;
        for _ in 0..ATTEMPTS {
            let tip = self.own.refresh(FRESH).map_err(&failed)?;
            let mut files = self.files(tip)?;
            let (path, message) = match &commit {
                None => (FILE.to_owned(), "purgit: status".to_owned()),
                Some(commit) => (
                    note_path(&files, &commit.id),
                    format!("{NOTE_ON}{}", commit.id),
                ),
            };
            if self.text(&files, &path)?.as_ref() == Some(&text) {
                return Ok(());
            }
            files.insert(path, id);
            let goes_on = match tip {
                Some(tip) if commit.is_none() => {
                    self.own.depth(tip, MAX_COMMITS).map_err(&failed)? < MAX_COMMITS
                }
                Some(_) | None => true,
            };
            let change = Change {
                files: &files,
                parent: tip.filter(|_| goes_on),
                message,
                at: self.clock.now(),
            };
            let new = self.own.commit(&change).map_err(&failed)?;
            match self.own.publish(tip, new).map_err(&failed)? {
                Published::Done => return Ok(()),
                Published::Overtaken => {}
            }
        }
        Err(failed(GitError::Busy))
    }
}
