//! `.gitignore` files from the top of the repository down to the folder, if a site wants them.
//!
//! Global excludes and `.git/info/exclude` do not count, because they differ between machines. Unlike
//! in git, a tracked file that matches is ignored too: the rule looks only at names, so that a folder
//! and a tree agree.

use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::names::as_path;

pub(crate) const FILE_NAME: &[u8] = b".gitignore";

/// A byte order mark, which some editors write and git skips.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The patterns that apply in a folder: its own, then those of its parents.
#[derive(Debug)]
pub(crate) struct Ignores {
    folder: Vec<u8>,
    matcher: Gitignore,
    above: Option<Arc<Ignores>>,
}

impl Ignores {
    /// Adds the `.gitignore` of `folder`. Like git, ignores lines that are no valid pattern.
    pub(crate) fn add(above: Option<Arc<Self>>, folder: &[u8], text: &[u8]) -> Option<Arc<Self>> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let mut builder = GitignoreBuilder::new(".");
        for line in text.split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let _ = builder.add_line(None, &String::from_utf8_lossy(line));
        }
        match builder.build() {
            Ok(matcher) if !matcher.is_empty() => Some(Arc::new(Self {
                folder: folder.to_vec(),
                matcher,
                above,
            })),
            Ok(_) | Err(_) => above,
        }
    }

    /// `path` is from the top of the repository. The nearest file with a matching pattern decides.
    pub(crate) fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
        let mut level = Some(self);
        while let Some(ignores) = level {
            let below = match path.strip_prefix(ignores.folder.as_slice()) {
                Some(rest) => rest.strip_prefix(b"/").unwrap_or(rest),
                None => path,
            };
            match ignores.matcher.matched(as_path(below), is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => level = ignores.above.as_deref(),
            }
        }
        false
    }
}
