//! The walk that lists a folder on disk or a tree, through [`ContentSource`].
//!
//! It goes level by level, the folders of a level in parallel, so deep nesting needs no stack. Names
//! are sorted per folder and merged at the end, which is cheaper than sorting all paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::ignores::{self, Ignores};
use super::links::{self, LinkTarget};
use super::names::{escaped, is_within, joined};
use super::source::{Child, ChildKind, ContentSource};
use super::{ContentError, Note, NoteReason, Selection};

/// Most names that links to folders may add: as many as the largest supported site has. Links at every
/// level would otherwise multiply without end.
pub(crate) const MAX_LINKED_NAMES: usize = 1_000_000;

/// Folders with fewer children are not processed in parallel: splitting the work would cost more than
/// it saves.
const PARALLEL_CHILDREN: usize = 512;

const CHILDREN_AT_ONCE: usize = 128;

/// What to do with names that cannot be part of a URL, and with submodules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Fail, and name all of them.
    Refused,
    /// Leave them out, with notes.
    Noted,
}

pub(crate) struct Walk<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) selection: &'a Selection,
    /// The root's path from the top of its repository; `ignores` are relative to the top.
    pub(crate) lead: &'a [u8],
    pub(crate) ignores: Option<Arc<Ignores>>,
    pub(crate) unusable: Unusable,
}

pub(crate) struct Walked<File> {
    pub(crate) files: Vec<(String, File)>,
    pub(crate) notes: Vec<Note>,
    pub(crate) seen: usize,
}

struct Task<Folder> {
    folder: Folder,
    path: Vec<u8>,
    /// Its real path, which differs from `path` below a link.
    real: Vec<u8>,
    ignores: Option<Arc<Ignores>>,
    chain: Option<Arc<Chain>>,
}

/// The real folders that links led to, latest first.
struct Chain {
    real: Vec<u8>,
    before: Option<Arc<Chain>>,
}

enum Found<Folder, File> {
    File(Vec<u8>, File),
    /// Boxed because nearly all nodes are files.
    Folder(Box<Task<Folder>>),
    /// A folder in the walk, by its number.
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
        // A folder's number is its position in the order of the walk.
        let mut numbered = 1;
        while !level.is_empty() {
            let read: Vec<_> = level
                .par_iter()
                .map(|task| self.read_folder(task, &linked, &walked))
                .collect();
            level.clear();
            for folder in read {
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

    fn read_folder(
        &self,
        task: &Task<S::Folder>,
        linked: &AtomicUsize,
        walked: &AtomicUsize,
    ) -> Result<Vec<FoundIn<S>>, ContentError> {
        let mut children = self.source.children(&task.folder, &task.path)?;
        // Sorted, so that the reported error is always the first one.
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
        let classify = |child| self.classify(task, ignores.as_ref(), child);
        let found: Vec<Result<FoundIn<S>, ContentError>> = if children.len() < PARALLEL_CHILDREN {
            children.iter().map(classify).collect()
        } else {
            let children = children.par_iter().with_min_len(CHILDREN_AT_ONCE);
            children.map(classify).collect()
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

    fn classify(
        &self,
        task: &Task<S::Folder>,
        ignores: Option<&Arc<Ignores>>,
        child: &Child<S::Token>,
    ) -> Result<FoundIn<S>, ContentError> {
        let path = joined(&task.path, &child.name);
        let is_ignored = |is_folder| {
            ignores.is_some_and(|ignores| ignores.ignores(&joined(self.lead, &path), is_folder))
        };
        // Below a link, purgit's own files have another path.
        let is_linked_own =
            || task.chain.is_some() && self.selection.is_own(&joined(&task.real, &child.name));
        let selected =
            || self.selection.selects_bytes(&path) && !is_ignored(false) && !is_linked_own();
        let entered = || self.selection.enters(&path) && !is_ignored(true);
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
        target: &[u8],
        (selected, entered): (bool, bool),
    ) -> Result<FoundIn<S>, ContentError> {
        let followed = links::follow(
            &task.real,
            target,
            || self.source.root(),
            |real| self.source.lookup(real),
        )?;
        let target = escaped(target);
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
    /// Path order: a folder sorts as if its name ended in `/`, because the paths below it do.
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

fn is_circle<Folder>(task: &Task<Folder>, real: &[u8]) -> bool {
    let links = std::iter::successors(task.chain.as_deref(), |link| link.before.as_deref());
    links
        .map(|link| &link.real)
        .chain([&task.real])
        .any(|folder| is_within(folder, real))
}

/// Merges the files of all folders in order, starting at the root, and separates names that are not
/// UTF-8.
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
