//! A site as all methods see it, and the judge of what they purge.

use purgit::plan::cover::{Price, Room, Served, Short, cover};

const HOST: &str = "https://www.example.com";

/// A file and a directory as parts of a day's, of a CDN that takes 2,000 and 500.
pub(crate) const PRICE: Price = Price {
    file: 500,
    directory: 2_000,
};

/// URLs, sorted, each once, and which of them changed.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    urls: Vec<(String, bool)>,
}

/// What a cover is, in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) collateral: u64,
    pub(crate) gap: u64,
    pub(crate) directories: usize,
}

impl Site {
    /// Of paths that start with `/`.
    pub(crate) fn new(paths: impl IntoIterator<Item = (String, bool)>) -> Self {
        let url = |(path, changed): (String, bool)| {
            let path = path.replace('?', "%3F");
            let path = match path.strip_suffix("/index.html") {
                Some(folder) => format!("{folder}/"),
                None => path,
            };
            (format!("{HOST}{path}"), changed)
        };
        let mut urls: Vec<_> = paths.into_iter().map(url).collect();
        // What changed stands before the same that did not.
        urls.sort_unstable_by(|a, b| (&a.0, !a.1).cmp(&(&b.0, !b.1)));
        urls.dedup_by(|later, first| later.0 == first.0);
        Self { urls }
    }

    pub(crate) fn len(&self) -> usize {
        self.urls.len()
    }

    /// Paths, and which of them changed.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&str, bool)> {
        let urls = self.urls.iter();
        urls.map(|(url, changed)| (&url[HOST.len()..], *changed))
    }

    pub(crate) fn changed(&self) -> impl Iterator<Item = &str> {
        let changed = self.paths().filter(|(_, changed)| *changed);
        changed.map(|(path, _)| path)
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changed().count() as u64
    }

    pub(crate) fn served(&self) -> Vec<Served<'_>> {
        let urls = self.urls.iter();
        urls.map(|(url, is_changed)| Served {
            url,
            weight: 1,
            is_changed: *is_changed,
        })
        .collect()
    }

    /// What purgit purges, judged like all others.
    pub(crate) fn purgit(&self, room: Room) -> Result<Found, Short> {
        let found = cover(&self.served(), &|_| true, room, PRICE, false)?;
        let directories = found.directories.iter();
        let directories = directories.map(|one| format!("{}*", &one.directory[HOST.len()..]));
        let mut items: Vec<String> = directories.collect();
        let files = self.changed().filter(|path| !is_below_any(path, &items));
        let files: Vec<_> = files.map(str::to_owned).collect();
        items.extend(files);
        assert_eq!(self.collateral(&items, room), Some(found.collateral));
        Ok(Found {
            collateral: found.collateral,
            gap: found.gap,
            directories: found.directories.len(),
        })
    }

    /// What purging these throws away that did not change; `None` for the root. A directory is written `/a/*`.
    ///
    /// # Panics
    /// If a change is not covered, or the room is too small.
    pub(crate) fn collateral(&self, items: &[String], room: Room) -> Option<u64> {
        if items.iter().any(|item| item == "/*") {
            return None;
        }
        let (files, directories) = counts(items);
        assert!(fits(room, files, directories), "{items:?} in {room:?}");
        let mut covering: Vec<_> = items.iter().map(String::as_str).collect();
        covering.sort_unstable();
        let is_file = |path| covering.binary_search(&path).is_ok();
        let directories: Vec<_> = items.iter().filter(|item| item.ends_with('*')).collect();
        let is_below = |path: &str| directories.iter().any(|item| path.starts_with(front(item)));
        let mut thrown = 0;
        for (path, changed) in self.paths() {
            let is_purged = is_below(path) || is_file(path);
            assert!(is_purged || !changed, "{path} is not purged");
            thrown += u64::from(is_purged && !changed);
        }
        Some(thrown)
    }
}

/// Whether files and directories fit.
pub(crate) fn fits(room: Room, files: u64, directories: u64) -> bool {
    match room {
        Room::Apart {
            files: most,
            directories: directories_most,
        } => files <= most && directories <= directories_most,
        Room::Together(both) => files + directories <= both,
    }
}

/// How many files and directories there are among items.
pub(crate) fn counts(items: &[String]) -> (u64, u64) {
    let directories = items.iter().filter(|item| item.ends_with('*')).count();
    ((items.len() - directories) as u64, directories as u64)
}

/// What all paths below a directory start with.
fn front(item: &str) -> &str {
    item.trim_end_matches('*')
}

fn is_below_any(path: &str, items: &[String]) -> bool {
    items.iter().any(|item| path.starts_with(front(item)))
}

/// The directories that a path is in, without the root, from the outermost.
pub(crate) fn directories(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.match_indices('/').filter(|(at, _)| *at > 0);
    slashes.map(|(at, _)| &path[..=at])
}
