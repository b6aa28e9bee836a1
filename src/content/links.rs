//! Resolves symbolic links component by component.
//!
//! Not left to the file system, so that a link means the same in a tree as on disk, and nothing
//! outside the root is ever read.

use std::collections::VecDeque;

use super::ContentError;

/// Most links followed to reach one target: the limit of Linux (`MAXSYMLINKS`).
const MAX_HOPS: usize = 40;

/// The node at a path; links are not followed.
pub(crate) enum Node<Folder, File> {
    Missing,
    File(File),
    Folder(Folder),
    Link(Vec<u8>),
    Special(&'static str),
    Submodule,
}

pub(crate) enum LinkTarget<Folder, File> {
    /// A regular file, by its real path.
    File(File, Vec<u8>),
    /// A folder, by its real path.
    Folder(Folder, Vec<u8>),
    Outside,
    Nothing,
    Circle,
    Special(&'static str),
    /// Inside another repository, by its real path.
    Submodule(Vec<u8>),
}

/// Follows a link in the real folder `from`. Calls `lookup` only with real paths below the root.
pub(crate) fn follow<Folder, File>(
    from: &[u8],
    target: &[u8],
    root: impl FnOnce() -> Folder,
    mut lookup: impl FnMut(&[u8]) -> Result<Node<Folder, File>, ContentError>,
) -> Result<LinkTarget<Folder, File>, ContentError> {
    if target.is_empty() {
        return Ok(LinkTarget::Nothing);
    }
    if target.starts_with(b"/") {
        return Ok(LinkTarget::Outside);
    }
    let mut at: Vec<Vec<u8>> = parts(from).map(<[u8]>::to_vec).collect();
    let mut ahead: VecDeque<Vec<u8>> = target.split(|&b| b == b'/').map(<[u8]>::to_vec).collect();
    let mut hops = 0;
    while let Some(part) = ahead.pop_front() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => {
                if at.pop().is_none() {
                    return Ok(LinkTarget::Outside);
                }
                continue;
            }
            // `.git` is never content and never in a tree.
            b".git" => return Ok(LinkTarget::Nothing),
            _ => at.push(part),
        }
        match lookup(&at.join(&b'/'))? {
            Node::Folder(folder) => {
                let is_here = |part: &Vec<u8>| matches!(part.as_slice(), b"" | b".");
                if ahead.iter().all(is_here) {
                    return Ok(LinkTarget::Folder(folder, at.join(&b'/')));
                }
            }
            Node::File(file) if ahead.is_empty() => {
                return Ok(LinkTarget::File(file, at.join(&b'/')));
            }
            Node::Special(what) if ahead.is_empty() => return Ok(LinkTarget::Special(what)),
            // Missing, or below something that is not a folder.
            Node::Missing | Node::File(_) | Node::Special(_) => return Ok(LinkTarget::Nothing),
            Node::Submodule => return Ok(LinkTarget::Submodule(at.join(&b'/'))),
            Node::Link(next) => {
                hops += 1;
                if hops > MAX_HOPS {
                    return Ok(LinkTarget::Circle);
                }
                if next.is_empty() {
                    return Ok(LinkTarget::Nothing);
                }
                if next.starts_with(b"/") {
                    return Ok(LinkTarget::Outside);
                }
                at.pop();
                for part in next.split(|&b| b == b'/').rev() {
                    ahead.push_front(part.to_vec());
                }
            }
        }
    }
    // The last step went up or stayed, so this is a known folder.
    let real = at.join(&b'/');
    if real.is_empty() {
        return Ok(LinkTarget::Folder(root(), real));
    }
    Ok(match lookup(&real)? {
        Node::Folder(folder) => LinkTarget::Folder(folder, real),
        Node::Missing | Node::File(_) | Node::Link(_) | Node::Special(_) | Node::Submodule => {
            LinkTarget::Nothing
        }
    })
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty())
}
