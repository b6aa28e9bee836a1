//! Which files of a root are content: globs over paths, compiled once.
//!
//! Pure: it sees paths, not files. A file is selected when an include matches it and no exclude
//! does. Hidden files need more: see [`Rules::hidden`].

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use globset::{Candidate, Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use thiserror::Error;

use super::names::is_within;

/// Characters that make a component of a glob more than a name.
const META: [char; 6] = ['*', '?', '[', '{', '}', '\\'];

/// What to select, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Globs over paths below the root; none means everything. `*` stays within a component, `**`
    /// crosses them, a trailing `/` means all that is below.
    pub include: Vec<String>,
    /// Globs of what is left out all the same.
    pub exclude: Vec<String>,
    /// Whether `.gitignore` files count.
    pub gitignore: bool,
    /// Whether hidden files (a component of the path starts with `.`) are selected like others.
    /// Otherwise only an include that writes as many dotted components brings them in, such as
    /// `.well-known/**`. `.git` is left out in any case.
    pub hidden: bool,
}

/// A glob that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{glob}` is not a glob: {problem}")]
pub struct GlobProblem {
    /// As written.
    pub glob: String,
    /// What is wrong with it.
    pub problem: String,
}

/// [`Rules`], compiled.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `None` selects everything that is not hidden.
    include: Option<Globs>,
    exclude: Globs,
    /// Folders below which everything is excluded.
    prune: Globs,
    /// Includes that name hidden files.
    dotted: Vec<Dotted>,
    gitignore: bool,
    hidden: bool,
}

impl Selection {
    /// Compiles the rules, or tells of every glob that is wrong.
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
            include: if everything {
                None
            } else {
                Some(sets(&include))
            },
            exclude: sets(&exclude),
            prune: sets(&prune),
            dotted,
            gitignore: rules.gitignore,
            hidden: rules.hidden,
        };
        if problems.is_empty() {
            Ok(selection)
        } else {
            Err(problems)
        }
    }

    /// Everything that is not hidden.
    pub fn everything() -> Self {
        Self {
            include: None,
            exclude: Globs::default(),
            prune: Globs::default(),
            dotted: Vec::new(),
            gitignore: false,
            hidden: false,
        }
    }

    /// Whether `.gitignore` files count.
    pub fn honours_gitignore(&self) -> bool {
        self.gitignore
    }

    /// Whether a file is selected by its path below the root. `.gitignore` has no say here.
    pub fn selects(&self, path: &str) -> bool {
        self.selects_bytes(path.as_bytes())
    }

    /// As [`Self::selects`], for any name.
    pub(crate) fn selects_bytes(&self, path: &[u8]) -> bool {
        let hidden = Hidden::of(path);
        if hidden.git || self.exclude.is_match(path) {
            return false;
        }
        if hidden.count > 0 && !self.hidden {
            return self.dotted.iter().any(|glob| {
                glob.names >= hidden.count
                    && glob
                        .matcher
                        .is_match_candidate(&Candidate::from_bytes(path))
            });
        }
        self.include
            .as_ref()
            .is_none_or(|globs| globs.is_match(path))
    }

    /// Whether a folder may hold selected files; if not, nobody needs to look inside.
    pub(crate) fn enters(&self, folder: &[u8]) -> bool {
        let hidden = Hidden::of(folder);
        if hidden.git || self.prune.is_match(folder) {
            return false;
        }
        if hidden.count > 0 && !self.hidden {
            return self.dotted.iter().any(|glob| {
                glob.names >= hidden.count
                    && (is_within(folder, &glob.base) || is_within(&glob.base, folder))
            });
        }
        self.include
            .as_ref()
            .is_none_or(|globs| globs.reach(folder))
            || self.dotted.iter().any(|glob| is_within(&glob.base, folder))
    }
}

/// The hidden components of a path.
struct Hidden {
    count: usize,
    /// Whether one is `.git` itself.
    git: bool,
}

impl Hidden {
    fn of(path: &[u8]) -> Self {
        let mut hidden = Self {
            count: 0,
            git: false,
        };
        let mut fresh = true;
        for (at, &byte) in path.iter().enumerate() {
            if fresh && byte == b'.' {
                hidden.count += 1;
                let rest = &path[at..];
                hidden.git |= rest == b".git" || rest.starts_with(b".git/");
            }
            fresh = byte == b'/';
        }
        hidden
    }
}

/// An include that writes dotted components.
#[derive(Debug, Clone)]
struct Dotted {
    matcher: GlobMatcher,
    /// How many.
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

/// Globs by the folder that they all start with: a path is matched against those of its own
/// folders only. (One flat set of 1,000 globs took 128 µs a path.)
#[derive(Debug, Clone, Default)]
struct Globs {
    anywhere: GlobSet,
    by_base: HashMap<Vec<u8>, GlobSet>,
    /// The same bases, for [`Self::reach`]; the empty one stands for the root.
    bases: BTreeSet<Vec<u8>>,
}

impl Globs {
    fn new(globs: &[Glob]) -> Result<Self, globset::Error> {
        let mut builders: HashMap<Vec<u8>, GlobSetBuilder> = HashMap::new();
        for glob in globs {
            builders
                .entry(base(glob.glob()).as_bytes().to_vec())
                .or_insert_with(GlobSetBuilder::new)
                .add(glob.clone());
        }
        let bases = builders.keys().cloned().collect();
        let mut by_base = HashMap::with_capacity(builders.len());
        for (base, builder) in builders {
            by_base.insert(base, builder.build()?);
        }
        Ok(Self {
            anywhere: by_base.remove(&[][..]).unwrap_or_default(),
            by_base,
            bases,
        })
    }

    fn is_match(&self, path: &[u8]) -> bool {
        if self.bases.is_empty() {
            return false;
        }
        let candidate = Candidate::from_bytes(path);
        if self.anywhere.is_match_candidate(&candidate) {
            return true;
        }
        !self.by_base.is_empty()
            && folders(path).any(|folder| {
                self.by_base
                    .get(folder)
                    .is_some_and(|set| set.is_match_candidate(&candidate))
            })
    }

    /// Whether a glob may match something below a folder.
    fn reach(&self, folder: &[u8]) -> bool {
        if self.bases.contains(&[][..]) || self.bases.contains(folder) {
            return true;
        }
        if folders(folder).any(|above| self.bases.contains(above)) {
            return true;
        }
        let mut start = folder.to_vec();
        start.push(b'/');
        self.bases
            .range::<[u8], _>((Bound::Included(start.as_slice()), Bound::Unbounded))
            .next()
            .is_some_and(|base| base.starts_with(&start))
    }
}

/// The folders above a path, without the root.
fn folders(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter()
        .enumerate()
        .filter(|&(_, &byte)| byte == b'/')
        .map(|(at, _)| &path[..at])
}

/// The folder that everything a glob can match is in; empty for the root.
fn base(glob: &str) -> &str {
    let literal = glob.find(META).map_or(glob, |at| &glob[..at]);
    literal.rfind('/').map_or("", |at| &literal[..at])
}

fn compiled(globs: &[String], problems: &mut Vec<GlobProblem>) -> Vec<Glob> {
    let mut compiled = Vec::with_capacity(globs.len());
    for written in globs {
        let glob = written.strip_prefix("./").unwrap_or(written);
        let mut glob = glob.strip_prefix('/').unwrap_or(glob).to_owned();
        if glob.ends_with('/') {
            glob.push_str("**");
        }
        if glob.is_empty() {
            problems.push(problem(written, &"it is empty"));
            continue;
        }
        let built = GlobBuilder::new(&glob)
            .literal_separator(true)
            .backslash_escape(true)
            .build();
        match built {
            Ok(glob) => compiled.push(glob),
            Err(error) => problems.push(problem(written, error.kind())),
        }
    }
    compiled
}

fn problem(glob: &str, problem: &impl ToString) -> GlobProblem {
    GlobProblem {
        glob: glob.to_owned(),
        problem: problem.to_string(),
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
    fn every_bad_glob_is_told() {
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
