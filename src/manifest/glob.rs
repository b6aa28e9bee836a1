//! Globs that find manifests, and the folders that may contain matches.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use crate::field::{Wrong, relative_path, wrong};

/// A glob of `spec.manifests`. `*` stays within a folder, `**` does not.
#[derive(Debug, Clone)]
pub struct Glob {
    text: String,
    matcher: GlobMatcher,
    /// Folders before the first wildcard.
    literal: Vec<String>,
    /// Number of folders above a match; `None` with `**`.
    folders: Option<usize>,
}

impl Glob {
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let text = text.trim_start_matches("./");
        relative_path(text)?;
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        let glob =
            glob.map_err(|error| wrong(format!("not a valid glob: {}", error.kind()), ""))?;
        let folders = text.rsplit_once('/').map_or("", |(folders, _)| folders);
        let folders: Vec<_> = folders.split('/').filter(|part| !part.is_empty()).collect();
        let is_literal = |part: &&&str| !part.contains(['*', '?', '[', '{', '\\']);
        // A brace may contain a `/`, so the number of folders is unknown.
        let open_ended = text.contains("**") || text.contains('{');
        let literal = folders.iter().take_while(is_literal);
        Ok(Self {
            text: text.to_owned(),
            matcher: glob.compile_matcher(),
            literal: literal.map(|&part| part.to_owned()).collect(),
            folders: (!open_ended).then_some(folders.len()),
        })
    }

    /// `None` if it is invalid.
    pub fn new(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    /// Without leading `./`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `path` is relative to the root.
    pub fn matches(&self, path: &Path) -> bool {
        self.matcher.is_match(path)
    }

    /// Whether a match can be in or below this folder.
    pub fn may_match_below(&self, folder: &Path) -> bool {
        let mut depth = 0;
        for (index, part) in folder.components().enumerate() {
            depth = index + 1;
            if let Some(literal) = self.literal.get(index)
                && part.as_os_str() != literal.as_str()
            {
                return false;
            }
        }
        self.folders.is_none_or(|folders| depth <= folders)
    }
}
