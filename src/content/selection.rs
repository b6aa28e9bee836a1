//! Which files of a content root are content: globs over paths, compiled once.
//!
//! Pure: it sees paths, not files. A file is selected if an include matches it and no exclude does.
//! Hidden files need more: see [`Rules::hidden`]. purgit's own files are never selected.

use std::sync::Arc;

use globset::{Candidate, Glob, GlobMatcher};

use super::globs::{GlobProblem, Globs, base, compiled, problem};
use super::names::is_within;
use super::own::{OwnFiles, OwnFilesBelow, TEMPORARY};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Globs over paths below the root; an empty list selects everything. `*` stays within a
    /// component, `**` crosses components, a trailing `/` means everything below.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    pub gitignore: bool,
    /// Whether hidden files (a component starts with `.`) are selected like others. If false, only
    /// an include that spells out as many dotted components selects them, such as `.well-known/**`.
    /// `.git` is never selected.
    pub hidden: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Selection {
    rules: Rules,
    own: Option<OwnFilesBelow>,
    /// `None` selects everything that is not hidden.
    include: Option<Globs>,
    exclude: Globs,
    /// Folders below which everything is excluded.
    prune: Globs,
    /// Includes that name hidden files.
    dotted: Vec<Dotted>,
}

impl Selection {
    pub fn compile(rules: &Rules) -> Result<Self, Vec<GlobProblem>> {
        let mut problems = Vec::new();
        let include = compiled(&rules.include, &mut problems);
        let exclude = compiled(&rules.exclude, &mut problems);
        let below: Vec<String> = exclude
            .iter()
            .filter_map(|glob| glob.glob().strip_suffix("/**"))
            .map(str::to_owned)
            .collect();
        let prune = compiled(&below, &mut problems);
        let dotted = include.iter().filter_map(Dotted::new).collect();
        let everything = include.is_empty() || include.iter().any(|glob| glob.glob() == "**");
        let mut sets = |globs: &[Glob]| {
            Globs::new(globs).unwrap_or_else(|error| {
                problems.push(problem(error.glob().unwrap_or_default(), &error));
                Globs::default()
            })
        };
        let selection = Self {
            rules: rules.clone(),
            own: None,
            include: (!everything).then(|| sets(&include)),
            exclude: sets(&exclude),
            prune: sets(&prune),
            dotted,
        };
        match problems.is_empty() {
            true => Ok(selection),
            false => Err(problems),
        }
    }

    /// Everything that is not hidden.
    pub fn everything() -> Self {
        Self::default()
    }

    /// The same selection without purgit's own files; `root` is the content root's path in the project.
    #[must_use]
    pub fn without(&self, own: &Arc<OwnFiles>, root: &str) -> Self {
        Self {
            own: Some(OwnFilesBelow::new(own.clone(), root)),
            ..self.clone()
        }
    }

    /// The same selection for a content root whose real path is `root`.
    pub(crate) fn at(&self, root: &str) -> Self {
        Self {
            own: self.own.as_ref().map(|own| own.at(root)),
            ..self.clone()
        }
    }

    pub fn honours_gitignore(&self) -> bool {
        self.rules.gitignore
    }

    pub fn rule(&self) -> String {
        let own = self.own.as_ref().map(OwnFilesBelow::rule);
        format!("{:?} {own:?}", self.rules)
    }

    pub(crate) fn is_own(&self, path: &[u8]) -> bool {
        let own = self.own.as_ref();
        path.ends_with(TEMPORARY.as_bytes()) || own.is_some_and(|own| own.contains(path))
    }

    /// Whether a file is selected, by its path below the root. Does not consider `.gitignore`.
    pub fn selects(&self, path: &str) -> bool {
        self.selects_bytes(path.as_bytes())
    }

    /// As [`Self::selects`], for names that need not be UTF-8.
    pub(crate) fn selects_bytes(&self, path: &[u8]) -> bool {
        let hidden = Hidden::of(path);
        if hidden.git || self.exclude.is_match(path) || self.is_own(path) {
            return false;
        }
        if hidden.count > 0 && !self.rules.hidden {
            let candidate = Candidate::from_bytes(path);
            return self.dotted.iter().any(|glob| {
                glob.names >= hidden.count && glob.matcher.is_match_candidate(&candidate)
            });
        }
        let include = self.include.as_ref();
        include.is_none_or(|globs| globs.is_match(path))
    }

    /// Whether a folder may contain selected files. If not, it need not be read.
    pub(crate) fn enters(&self, folder: &[u8]) -> bool {
        let hidden = Hidden::of(folder);
        let own = self.own.as_ref();
        let is_own = || own.is_some_and(|own| own.contains_folder(folder));
        if hidden.git || self.prune.is_match(folder) || is_own() {
            return false;
        }
        if hidden.count > 0 && !self.rules.hidden {
            return self.dotted.iter().any(|glob| {
                glob.names >= hidden.count
                    && (is_within(folder, &glob.base) || is_within(&glob.base, folder))
            });
        }
        let include = self.include.as_ref();
        include.is_none_or(|globs| globs.reach(folder))
            || self.dotted.iter().any(|glob| is_within(&glob.base, folder))
    }
}

#[derive(Default)]
struct Hidden {
    count: usize,
    git: bool,
}

impl Hidden {
    fn of(path: &[u8]) -> Self {
        let mut hidden = Self::default();
        for part in path.split(|&byte| byte == b'/') {
            hidden.count += usize::from(part.starts_with(b"."));
            hidden.git |= part == b".git";
        }
        hidden
    }
}

#[derive(Debug, Clone)]
struct Dotted {
    matcher: GlobMatcher,
    names: usize,
    base: Vec<u8>,
}

impl Dotted {
    fn new(glob: &Glob) -> Option<Self> {
        let names = glob
            .glob()
            .split('/')
            .filter(|part| part.starts_with('.') || part.contains("{.") || part.contains(",."))
            .count();
        (names > 0).then(|| Self {
            matcher: glob.compile_matcher(),
            names,
            base: base(glob.glob()).as_bytes().to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(include: &[&str], exclude: &[&str]) -> Selection {
        let owned = |globs: &[&str]| globs.iter().map(ToString::to_string).collect();
        Selection::compile(&Rules {
            include: owned(include),
            exclude: owned(exclude),
            ..Rules::default()
        })
        .unwrap()
    }

    #[test]
    fn hidden_files_come_in_by_name_only() {
        let all = selection(&[], &[]);
        assert!(all.selects("a/b.html") && !all.selects("a/.b") && !all.selects(".well-known/x"));
        let named = selection(&["**", ".well-known/**"], &[]);
        assert!(named.selects("a") && named.selects(".well-known/acme/x"));
        assert!(!named.selects(".well-known/.secret") && !named.selects("a/.well-known/x"));
        assert!(named.enters(b".well-known") && !named.enters(b".cache"));
        let git = selection(&[".git/**", "**/.git/**"], &[]);
        assert!(!git.selects(".git/config") && !git.enters(b".git") && !git.enters(b"a/.git"));
        assert!(selection(&["**/.htaccess"], &[]).selects("a/.htaccess"));
    }

    #[test]
    fn stars_stay_within_a_component_and_excludes_win() {
        let pages = selection(
            &["*.html", "docs/**"],
            &["**/*.map", "docs/old/", "/x.html"],
        );
        assert!(pages.selects("a.html") && !pages.selects("a/b.html") && !pages.selects("x.html"));
        assert!(pages.selects("docs/a/b.png") && !pages.selects("docs/b.map"));
        assert!(
            !pages.selects("docs/old/a")
                && !pages.enters(b"docs/old")
                && pages.enters(b"docs/older")
        );
    }

    #[test]
    fn folders_that_no_include_reaches_are_not_entered() {
        let deep = selection(&["a/b/*.html", "c/x.txt"], &[]);
        for (folder, enters) in [
            ("a", true),
            ("a/b", true),
            ("c", true),
            ("b", false),
            ("ab", false),
        ] {
            assert_eq!(deep.enters(folder.as_bytes()), enters, "{folder}");
        }
    }

    #[test]
    fn every_bad_glob_is_reported() {
        let rules = Rules {
            include: vec!["a[".into(), String::new()],
            exclude: vec!["{b".into()],
            ..Rules::default()
        };
        let problems = Selection::compile(&rules).unwrap_err();
        let globs: Vec<_> = problems
            .iter()
            .map(|problem| problem.glob.as_str())
            .collect();
        assert_eq!(globs, ["a[", "", "{b"]);
    }
}
