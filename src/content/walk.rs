//! The walk that lists a folder on disk or a tree, behind [`ContentSource`].
//!
//! It goes level by level, the folders of a level in parallel: so deep nesting costs no stack. Names
//! are sorted folder by folder and put together in order at the end, which is cheaper than to sort
//! all paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::ignores::{self, Ignores};
use super::links::{self, LinkTarget};
use super::names::{escaped, is_within, joined};
use super::source::{Child, ChildKind, ContentSource};
use super::{ContentError, Note, NoteReason, Selection};

/// Most names that links to folders may add: as many as the largest site planned for has. Links that
/// fan out level by level would otherwise multiply without end.
pub(crate) const MAX_LINKED_NAMES: usize = 1_000_000;

/// Children of one folder from which on they are worked out in parallel: for fewer, handing out the
/// work costs more than it saves.
const PARALLEL_CHILDREN: usize = 512;

const CHILDREN_AT_ONCE: usize = 128;

/// What becomes of a name that no URL can be made of, and of a submodule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// The walk fails, and names them all.
    Refused,
    /// They are left out, with notes.
    Noted,
}

pub(crate) struct Walk<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) selection: &'a Selection,
    /// The path of the root from the top of its repository: where `ignores` count from.
    pub(crate) lead: &'a [u8],
    /// The `.gitignore` files above the root.
    pub(crate) ignores: Option<Arc<Ignores>>,
    pub(crate) unusable: Unusable,
}

pub(crate) struct Walked<File> {
    /// Sorted by path.
    pub(crate) files: Vec<(String, File)>,
    pub(crate) notes: Vec<Note>,
    pub(crate) seen: usize,
}

struct Task<Folder> {
    folder: Folder,
    path: Vec<u8>,
    /// Its path as it really is: another one below a link.
    real: Vec<u8>,
    /// Patterns of the folders above.
    ignores: Option<Arc<Ignores>>,
    /// The links followed to get here.
    chain: Option<Arc<Chain>>,
}

/// Real folders that links led to, latest first.
struct Chain {
    real: Vec<u8>,
    before: Option<Arc<Chain>>,
}

enum Found<Folder, File> {
    File(Vec<u8>, File),
    /// Boxed, since most of what is found are files, of which there may be a million.
    Folder(Box<Task<Folder>>),
    /// A folder that is or will be looked into, by its number.
    Entered(usize),
    Note(Vec<u8>, Box<NoteReason>),
    Submodule(Vec<u8>),
    Nothing,
}

type FoundIn<S> = Found<<S as ContentSource>::Folder, <S as ContentSource>::File>;

impl<S: ContentSource> Walk<'_, S> {
    pub(crate) fn run(self) -> Result<Walked<S::File>, ContentError> {
        let linked = AtomicUsize::new(0);
        let walked = AtomicUsize::new(0);
        let mut notes = Vec::new();
        let mut submodules = Vec::new();
        let mut folders: Vec<Vec<FoundIn<S>>> = Vec::new();
        let mut level = vec![Box::new(Task {
            folder: self.source.root(),
            path: Vec::new(),
            real: Vec::new(),
            ignores: self.ignores.clone(),
            chain: None,
        })];
        // A folder's number is its place in the order in which they are looked into.
        let mut numbered = 1;
        while !level.is_empty() {
            let looked: Vec<_> = level
                .par_iter()
                .map(|task| self.look_into(task, &linked, &walked))
                .collect();
            level.clear();
            for folder in looked {
                let mut folder = folder?;
                for found in &mut folder {
                    match std::mem::replace(found, Found::Nothing) {
                        Found::Folder(task) => {
                            *found = Found::Entered(numbered);
                            numbered += 1;
                            level.push(task);
                        }
                        Found::Note(path, reason) => notes.push(Note {
                            path: escaped(&path),
                            reason: *reason,
                        }),
                        Found::Submodule(path) => submodules.push(escaped(&path)),
                        file @ (Found::File(..) | Found::Entered(_) | Found::Nothing) => {
                            *found = file;
                        }
                    }
                }
                folders.push(folder);
            }
        }
        submodules.sort_unstable();
        let (files, not_utf8) = in_order(folders);
        match self.unusable {
            Unusable::Refused if !submodules.is_empty() => {
                return Err(ContentError::Submodules { paths: submodules });
            }
            Unusable::Refused if !not_utf8.is_empty() => {
                return Err(ContentError::NotUtf8 { names: not_utf8 });
            }
            Unusable::Refused | Unusable::Noted => {
                let all = |paths: Vec<_>, reason: NoteReason| {
                    let notes = paths.into_iter().map(move |path| (path, reason.clone()));
                    notes.map(|(path, reason)| Note { path, reason })
                };
                notes.extend(all(submodules, NoteReason::Submodule));
                notes.extend(all(not_utf8, NoteReason::NotUtf8));
            }
        }
        notes.sort_unstable();
        Ok(Walked {
            files,
            notes,
            seen: walked.into_inner(),
        })
    }

    /// What is in one folder, in the order of the paths below it.
    fn look_into(
        &self,
        task: &Task<S::Folder>,
        linked: &AtomicUsize,
        walked: &AtomicUsize,
    ) -> Result<Vec<FoundIn<S>>, ContentError> {
        let mut children = self.source.children(&task.folder, &task.path)?;
        // So that of several errors it is always the same one that is reported.
        children.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if task.chain.is_some()
            && linked.fetch_add(children.len(), Ordering::Relaxed) > MAX_LINKED_NAMES
        {
            return Err(ContentError::TooManyLinked {
                path: escaped(&task.path),
                limit: MAX_LINKED_NAMES,
            });
        }
        let files = children
            .iter()
            .filter(|child| matches!(child.kind, ChildKind::File))
            .count();
        walked.fetch_add(files, Ordering::Relaxed);
        let ignores = self.ignores_of(task, &children)?;
        let work_out = |child| self.work_out(task, ignores.as_ref(), child);
        let found: Vec<Result<FoundIn<S>, ContentError>> = if children.len() < PARALLEL_CHILDREN {
            children.iter().map(work_out).collect()
        } else {
            children
                .par_iter()
                .with_min_len(CHILDREN_AT_ONCE)
                .map(work_out)
                .collect()
        };
        let mut found: Vec<_> = found.into_iter().collect::<Result<_, _>>()?;
        found.sort_unstable_by(Found::compare);
        Ok(found)
    }

    fn ignores_of(
        &self,
        task: &Task<S::Folder>,
        children: &[Child<S::Token>],
    ) -> Result<Option<Arc<Ignores>>, ContentError> {
        if !self.selection.honours_gitignore() {
            return Ok(None);
        }
        let own = children.iter().find(|child| {
            child.name == ignores::FILE_NAME && matches!(child.kind, ChildKind::File)
        });
        let Some(own) = own else {
            return Ok(task.ignores.clone());
        };
        let text = self
            .source
            .bytes(&own.token, &joined(&task.path, &own.name))?;
        let folder = joined(self.lead, &task.path);
        Ok(Ignores::add(task.ignores.clone(), &folder, &text))
    }

    fn work_out(
        &self,
        task: &Task<S::Folder>,
        ignores: Option<&Arc<Ignores>>,
        child: &Child<S::Token>,
    ) -> Result<FoundIn<S>, ContentError> {
        let path = joined(&task.path, &child.name);
        let left_out = |is_folder| {
            ignores.is_some_and(|ignores| ignores.ignores(&joined(self.lead, &path), is_folder))
        };
        // Below a link, a file of purgit's own goes by another path.
        let is_linked_own =
            || task.chain.is_some() && self.selection.is_own(&joined(&task.real, &child.name));
        let selected =
            || self.selection.selects_bytes(&path) && !left_out(false) && !is_linked_own();
        let entered = || self.selection.enters(&path) && !left_out(true);
        Ok(match child.kind {
            ChildKind::File if selected() => match self.source.file(&child.token, &path)? {
                Some(file) => Found::File(path, file),
                None => Found::Nothing,
            },
            ChildKind::Folder if entered() => Found::Folder(Box::new(Task {
                folder: self.source.folder(&child.token),
                real: joined(&task.real, &child.name),
                ignores: ignores.cloned(),
                chain: task.chain.clone(),
                path,
            })),
            ChildKind::Special(what) if selected() => {
                Found::Note(path, Box::new(NoteReason::Special { what }))
            }
            ChildKind::Submodule if entered() => Found::Submodule(path),
            ChildKind::Link => {
                let (selected, entered) = (selected(), entered());
                if !selected && !entered {
                    return Ok(Found::Nothing);
                }
                let Some(target) = self.source.link(&child.token, &path)? else {
                    return Ok(Found::Nothing);
                };
                self.follow(task, ignores, path, &target, (selected, entered))?
            }
            ChildKind::File | ChildKind::Folder | ChildKind::Special(_) | ChildKind::Submodule => {
                Found::Nothing
            }
        })
    }

    fn follow(
        &self,
        task: &Task<S::Folder>,
        ignores: Option<&Arc<Ignores>>,
        path: Vec<u8>,
        says: &[u8],
        (selected, entered): (bool, bool),
    ) -> Result<FoundIn<S>, ContentError> {
        let followed = links::follow(
            &task.real,
            says,
            || self.source.root(),
            |real| self.source.lookup(real),
        )?;
        let target = escaped(says);
        let reason = match followed {
            LinkTarget::File(_, real) if self.selection.is_own(&real) => return Ok(Found::Nothing),
            LinkTarget::File(file, _) if selected => return Ok(Found::File(path, file)),
            LinkTarget::Folder(_, real) if entered && is_circle(task, &real) => {
                NoteReason::LinkLoop { target }
            }
            LinkTarget::Folder(folder, real) if entered => {
                return Ok(Found::Folder(Box::new(Task {
                    folder,
                    path,
                    real: real.clone(),
                    ignores: ignores.cloned(),
                    chain: Some(Arc::new(Chain {
                        real,
                        before: task.chain.clone(),
                    })),
                })));
            }
            LinkTarget::Submodule(real) => return Ok(Found::Submodule(real)),
            LinkTarget::Outside => NoteReason::LinkLeavesRoot { target },
            LinkTarget::Nothing => NoteReason::LinkBroken { target },
            LinkTarget::Circle => NoteReason::LinkLoop { target },
            LinkTarget::Special(what) if selected => NoteReason::Special { what },
            LinkTarget::File(..) | LinkTarget::Folder(..) | LinkTarget::Special(_) => {
                return Ok(Found::Nothing);
            }
        };
        Ok(Found::Note(path, Box::new(reason)))
    }
}

impl<Folder, File> Found<Folder, File> {
    /// The order of the paths: a folder counts as if its name ended in `/`, since the paths below it
    /// do.
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        fn key<A, B>(found: &Found<A, B>) -> (&[u8], Option<&u8>) {
            match found {
                Found::Folder(task) => (&task.path, Some(&b'/')),
                Found::File(path, _) | Found::Note(path, _) | Found::Submodule(path) => {
                    (path, None)
                }
                Found::Entered(_) | Found::Nothing => (b"", None),
            }
        }
        let ((a, a_end), (b, b_end)) = (key(self), key(other));
        let common = a.len().min(b.len());
        a[..common]
            .cmp(&b[..common])
            .then_with(|| a.get(common).or(a_end).cmp(&b.get(common).or(b_end)))
    }
}

/// Whether a link to the folder that is really at `real` leads back to where it is, or to where a
/// link before it led.
fn is_circle<Folder>(task: &Task<Folder>, real: &[u8]) -> bool {
    if is_within(&task.real, real) {
        return true;
    }
    let mut chain = task.chain.as_deref();
    while let Some(link) = chain {
        if is_within(&link.real, real) {
            return true;
        }
        chain = link.before.as_deref();
    }
    false
}

/// Puts the files of all folders in order, of which the root is the first, and apart from them the
/// names that are not UTF-8.
fn in_order<Folder, File>(
    folders: Vec<Vec<Found<Folder, File>>>,
) -> (Vec<(String, File)>, Vec<String>) {
    let count = folders.iter().map(Vec::len).sum();
    let mut files = Vec::with_capacity(count);
    let mut not_utf8 = Vec::new();
    let mut waiting: Vec<_> = folders.into_iter().map(Vec::into_iter).collect();
    let mut open = vec![0];
    while let Some(&folder) = open.last() {
        match waiting[folder].next() {
            Some(Found::Entered(below)) => open.push(below),
            Some(Found::File(path, file)) => match String::from_utf8(path) {
                Ok(path) => files.push((path, file)),
                Err(error) => not_utf8.push(escaped(error.as_bytes())),
            },
            Some(Found::Folder(_) | Found::Note(..) | Found::Submodule(_) | Found::Nothing) => {}
            None => {
                open.pop();
            }
        }
    }
    (files, not_utf8)
}
