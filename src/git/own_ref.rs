//! [io] A ref of purgit's own, here and on a remote. It holds files in a tree; every change is a
//! commit.
//!
//! If there is a remote, it decides, and the local ref is only what was seen last. A change is made
//! on top of a known commit and published by compare-and-swap: locally by libgit2, on the remote by
//! `git push --force-with-lease`. Work tree, index and branches are neither read nor changed, so this
//! works in detached, shallow, single-branch and bare repositories.
//!
//! If the answer to a push is lost, the remote's ref shows whether it arrived: every commit has a
//! unique id.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use git2::{ErrorCode, ObjectType, Oid, Signature, Time};

use super::error::other;
use super::tree::cannot_read;
use super::{GitError, Repository, durable};

/// Attempts to push or update while another process is in the way.
const ATTEMPTS: u32 = 5;

/// The pause before the second attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// The committer if git has no user name.
const COMMITTER: (&str, &str) = ("purgit", "purgit@localhost");

/// Git's mode of a regular file.
const FILE: i32 = 0o100_644;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip(Oid);

/// The id of a file or folder in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(Oid);

impl FileId {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

pub(crate) type Files = BTreeMap<String, FileId>;

#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) files: &'a Files,
    /// `None` restarts the history.
    pub(crate) parent: Option<Tip>,
    pub(crate) message: String,
    pub(crate) at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    Done,
    Overtaken,
}

#[derive(Debug)]
pub(crate) struct OwnRef {
    repository: Repository,
    name: String,
    remote: Option<String>,
    /// The remote's last answer and when it came.
    seen: Mutex<Option<(Instant, Option<Tip>)>>,
}

impl OwnRef {
    /// The ref `name` of the repository that contains `root`.
    pub(crate) fn open(root: &Path, name: &str, remote: Option<&str>) -> Result<Self, GitError> {
        let repository = Repository::discover(root)?;
        if let Some(remote) = remote {
            // Git would treat any other text as a path or as a program to run.
            let known = repository.with(|handle| {
                let names = handle.remotes().map_err(other("list the remotes"))?;
                let names = names.iter().filter_map(|name| name.ok().flatten());
                Ok(names.map(str::to_owned).collect::<Vec<_>>())
            })?;
            if !known.iter().any(|name| name == remote) {
                return Err(GitError::UnknownRemote {
                    remote: remote.to_owned(),
                    known,
                });
            }
        }
        Ok(Self {
            repository,
            name: name.to_owned(),
            remote: remote.map(str::to_owned),
            seen: Mutex::default(),
        })
    }

    pub(crate) fn repository(&self) -> &Repository {
        &self.repository
    }

    pub(crate) fn place(&self) -> String {
        match &self.remote {
            Some(remote) => format!("{} of {remote}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether there is a remote, so that every read and every change costs a round trip.
    pub(crate) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// The last commit, as far as known without a network.
    pub(crate) fn known(&self) -> Result<Option<Tip>, GitError> {
        let seen = self.seen().filter(|_| self.is_remote());
        seen.map_or_else(|| self.local(), |(_, tip)| Ok(tip))
    }

    /// The last commit. Asks the remote unless it answered within `fresh`.
    pub(crate) fn refresh(&self, fresh: Duration) -> Result<Option<Tip>, GitError> {
        let Some(remote) = &self.remote else {
            return self.local();
        };
        let fresh = self.seen().filter(|(at, _)| at.elapsed() < fresh);
        if let Some((_, tip)) = fresh {
            return Ok(tip);
        }
        let tip = match self.fetch(remote) {
            Err(error) if error.says("couldn't find remote ref") => None,
            fetched => {
                fetched?;
                self.local()?
            }
        };
        *self.seen() = Some((Instant::now(), tip));
        Ok(tip)
    }

    /// Works even if the ref's history was rewritten.
    fn fetch(&self, remote: &str) -> Result<(), GitError> {
        let refspec = format!("+{0}:{0}", self.name);
        let doing = format!("fetch {} from `{remote}`", self.name);
        let arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            // A partial clone would leave the files out.
            "--no-filter",
            remote,
            &refspec,
        ];
        again(|| self.repository.run(&doing, &arguments))
    }

    /// Makes `new` the last commit if `old` still is. After an error the commit may have been published
    /// or not, unless the remote refused it.
    pub(crate) fn publish(&self, old: Option<Tip>, new: Tip) -> Result<Published, GitError> {
        let Some(remote) = &self.remote else {
            durable::sync_new_objects(&self.repository, new.0, old.map(|tip| tip.0))?;
            return self.update(old, new);
        };
        let lease = old.map_or_else(String::new, |tip| tip.0.to_string());
        let lease = format!("--force-with-lease={}:{lease}", self.name);
        let refspec = format!("{}:{}", new.0, self.name);
        let doing = format!("push {} to `{remote}`", self.name);
        let arguments = [
            "-c",
            "push.followTags=false",
            "push",
            "--quiet",
            "--porcelain",
            "--no-verify",
            "--recurse-submodules=no",
            &lease,
            remote,
            &refspec,
        ];
        let mut pause = PAUSE;
        for _ in 0..ATTEMPTS {
            let Err(error) = self.repository.run(&doing, &arguments) else {
                return self.pushed(new);
            };
            // The answer may be lost, or another writer may have been faster: ask the remote.
            let Ok(now) = self.refresh(Duration::ZERO) else {
                return Err(error);
            };
            if now == Some(new) {
                return self.pushed(new);
            }
            if now != old {
                return Ok(match now.is_some_and(|now| self.follows(now, new)) {
                    true => Published::Done,
                    false => Published::Overtaken,
                });
            }
            if !error.is_passing() {
                return Err(error);
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        Ok(Published::Overtaken)
    }

    fn pushed(&self, new: Tip) -> Result<Published, GitError> {
        *self.seen() = Some((Instant::now(), Some(new)));
        self.repository.with(|handle| {
            // The local ref only serves readers without a network.
            if let Err(error) = handle.reference(&self.name, new.0, true, "purgit") {
                tracing::debug!(name = self.name, %error, "the ref here is not updated");
            }
            Ok(Published::Done)
        })
    }

    fn follows(&self, later: Tip, earlier: Tip) -> bool {
        let is = |handle: &git2::Repository| Ok(handle.graph_descendant_of(later.0, earlier.0));
        matches!(self.repository.with(is), Ok(Ok(true)))
    }

    fn update(&self, old: Option<Tip>, new: Tip) -> Result<Published, GitError> {
        again(|| {
            self.repository.with(|handle| {
                let updated = match old {
                    Some(old) => {
                        handle.reference_matching(&self.name, new.0, true, old.0, "purgit")
                    }
                    None => handle.reference(&self.name, new.0, false, "purgit"),
                };
                match updated {
                    Ok(_) => durable::sync_ref(handle, &self.name).map(|()| Published::Done),
                    Err(error)
                        if matches!(
                            error.code(),
                            ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound
                        ) =>
                    {
                        Ok(Published::Overtaken)
                    }
                    Err(source) => Err(other("update the ref")(source)),
                }
            })
        })
    }

    fn local(&self) -> Result<Option<Tip>, GitError> {
        self.repository
            .with(|handle| match handle.refname_to_id(&self.name) {
                Ok(id) => Ok(Some(Tip(id))),
                Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
                Err(source) => Err(other("read the ref")(source)),
            })
    }

    fn seen(&self) -> MutexGuard<'_, Option<(Instant, Option<Tip>)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn files(&self, tip: Tip) -> Result<Files, GitError> {
        self.repository.with(|handle| {
            let commit = handle.find_commit(tip.0);
            let commit = commit.map_err(|source| cannot_read(tip.0, source))?;
            let mut files = Files::new();
            let mut folders = vec![(String::new(), commit.tree_id())];
            while let Some((path, id)) = folders.pop() {
                let tree = handle.find_tree(id);
                for entry in &tree.map_err(|source| cannot_read(id, source))? {
                    let path = format!("{path}{}", String::from_utf8_lossy(entry.name_bytes()));
                    if entry.kind() == Some(ObjectType::Tree) {
                        folders.push((path + "/", entry.id()));
                    } else {
                        files.insert(path, FileId(entry.id()));
                    }
                }
            }
            Ok(files)
        })
    }

    pub(crate) fn depth(&self, tip: Tip, most: usize) -> Result<usize, GitError> {
        self.repository.with(|handle| {
            let failed = other("read the history of the ref");
            let mut walk = handle.revwalk().map_err(failed)?;
            walk.push(tip.0).map_err(failed)?;
            Ok(walk.take(most).count())
        })
    }

    pub(crate) fn message(&self, tip: Tip) -> Result<String, GitError> {
        self.repository.with(|handle| {
            let commit = handle.find_commit(tip.0);
            let commit = commit.map_err(|source| cannot_read(tip.0, source))?;
            Ok(String::from_utf8_lossy(commit.message_bytes()).into_owned())
        })
    }

    pub(crate) fn read(&self, id: FileId) -> Result<Vec<u8>, GitError> {
        super::tree::blob(&self.repository, id.0)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<FileId, GitError> {
        self.repository
            .with(|handle| handle.blob(bytes).map_err(other("write an object")))
            .map(FileId)
    }

    pub(crate) fn commit(&self, change: &Change<'_>) -> Result<Tip, GitError> {
        self.repository.with(|handle| {
            let failed = other("write a commit");
            let files = change.files.iter().map(|(path, id)| (&**path, id.0));
            let files: Vec<_> = files.collect();
            let tree = tree(handle, &files).and_then(|id| handle.find_tree(id));
            let tree = tree.map_err(failed)?;
            let user = handle.signature().ok();
            let user = user.as_ref();
            let name = user.and_then(|user| user.name().ok());
            let email = user.and_then(|user| user.email().ok());
            let (name, email) = (name.unwrap_or(COMMITTER.0), email.unwrap_or(COMMITTER.1));
            let time = Time::new(change.at.timestamp(), 0);
            let signature = Signature::new(name, email, &time).map_err(failed)?;
            let parent = change.parent.map(|tip| handle.find_commit(tip.0));
            let parent = parent.transpose().map_err(failed)?;
            // Two equal commits at the same time need different ids, or both would count as
            // published.
            let id = uuid::Uuid::new_v4();
            let message = format!("{}\n\nPurgit-Id: {id}\n", change.message);
            let parents: Vec<_> = parent.iter().collect();
            let made = handle.commit(None, &signature, &signature, &message, &tree, &parents);
            made.map(Tip).map_err(failed)
        })
    }
}

/// Writes the tree of these files, sorted by path.
fn tree(handle: &git2::Repository, files: &[(&str, Oid)]) -> Result<Oid, git2::Error> {
    let mut builder = handle.treebuilder(None)?;
    let mut folders: BTreeMap<&str, Vec<(&str, Oid)>> = BTreeMap::new();
    for (path, id) in files {
        match path.split_once('/') {
            Some((folder, rest)) => folders.entry(folder).or_default().push((rest, *id)),
            None => drop(builder.insert(path, *id, FILE)?),
        }
    }
    for (folder, files) in folders {
        builder.insert(folder, tree(handle, &files)?, 0o040_000)?;
    }
    builder.write()
}

/// Retries work that failed because of a lock.
fn again<T>(work: impl Fn() -> Result<T, GitError>) -> Result<T, GitError> {
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match work() {
            Err(error) if error.is_passing() => std::thread::sleep(pause),
            done => return done,
        }
        pause *= 2;
    }
    work()
}
