//! `[io]` Resolves paths of a project: symbolic links must not lead out of the project or into
//! git's folder.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

/// Most symbolic links on one path: the limit of Linux (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

const GIT_FOLDER: &str = ".git";

/// Why a path does not belong to the project.
#[derive(Debug, Error)]
pub(crate) enum Misplaced {
    #[error("leads out of the project, to `{}`", .0.display())]
    Outside(PathBuf),
    #[error("leads into git's own folder, to `{}`", .0.display())]
    Git(PathBuf),
    #[error("cannot be followed")]
    Io(#[from] io::Error),
}

/// The real path below `root` of `path`, which is relative to it. Missing parts stay as written.
pub(crate) fn inside(root: &Path, path: &Path) -> Result<PathBuf, Misplaced> {
    let root = fs::canonicalize(root)?;
    let real = resolve(&root.join(path))?;
    match real.strip_prefix(&root) {
        Ok(below) if is_gits(below) => Err(Misplaced::Git(real)),
        Ok(below) => Ok(below.to_owned()),
        Err(_) => Err(Misplaced::Outside(real)),
    }
}

/// Whether a path contains git's own folder, also on file systems that ignore case.
pub(crate) fn is_gits(path: &Path) -> bool {
    path.iter()
        .any(|name| name.eq_ignore_ascii_case(GIT_FOLDER))
}

/// The absolute path without links, even if it does not exist.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut real = PathBuf::new();
    let mut ahead: VecDeque<OsString> = parts(&std::path::absolute(path)?).collect();
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            real.pop();
            continue;
        }
        // A root component replaces everything before it.
        let next = real.join(part);
        let Ok(target) = fs::read_link(&next) else {
            real = next;
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            let message = format!("more than {MAX_LINKS} symbolic links in a row");
            return Err(io::Error::other(message));
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            ahead.push_front(part);
        }
    }
    Ok(real)
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    let parts = path.components();
    let parts = parts.filter(|part| *part != Component::CurDir);
    parts.map(|part| part.as_os_str().to_owned())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_may_lead_anywhere_but_out_and_into_git() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("project");
        fs::create_dir_all(root.join("build/out")).unwrap();
        fs::create_dir_all(root.join(".git/hooks")).unwrap();
        symlink("build/out", root.join("public")).unwrap();
        symlink(root.join("build"), root.join("absolute")).unwrap();
        symlink("../elsewhere", root.join("gone")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink(".git", root.join("git")).unwrap();
        symlink("circle", root.join("circle")).unwrap();
        for (path, real) in [
            ("", ""),
            ("public", "build/out"),
            ("public/new/file", "build/out/new/file"),
            ("absolute/out", "build/out"),
            ("up/project/build", "build"),
            ("not/there", "not/there"),
        ] {
            let found = inside(&root, Path::new(path)).unwrap();
            assert_eq!(found, Path::new(real), "{path}");
        }
        for path in ["gone", "gone/file", "up", "up/file", "/etc/hostname"] {
            let found = inside(&root, Path::new(path));
            assert!(matches!(found, Err(Misplaced::Outside(_))), "{path}");
        }
        for path in [".git/hooks/x", "git", "build/.GIT/config"] {
            let found = inside(&root, Path::new(path));
            assert!(matches!(found, Err(Misplaced::Git(_))), "{path}");
        }
        let found = inside(&root, Path::new("circle"));
        assert!(matches!(found, Err(Misplaced::Io(_))));
    }
}
