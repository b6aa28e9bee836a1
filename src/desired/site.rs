//! A `Site`: turns paths of files into URLs. Pure; the only place with the rules of aliases.
//!
//! With `index: index.html`, the file `a/index.html` is `…/a/index.html` and `…/a/`, with
//! `redirect: true` also `…/a`. With `stripExtensions: [".html"]`, `a.html` is `…/a.html` and
//! `…/a`. Caches keep all of them separately, so all of them are purged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use thiserror::Error;

use crate::content::ContentFile;
use crate::entry::{Entry, EntryKey, Generation, Owner, Target};
use crate::manifest::resource::Site;
use crate::url::{CdnUrl, MAX_URL_BYTES, UrlError};

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SiteError {
    #[error("site `{site}`: no URL can be made of `{path}`: {error}")]
    NoUrl {
        site: Arc<str>,
        path: String,
        error: UrlError,
    },
    #[error("site `{site}`: `{first}` and `{second}` both map to {url}")]
    Collision {
        site: Arc<str>,
        first: String,
        second: String,
        url: CdnUrl,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", .0.iter().take(ERRORS_SHOWN).map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct SiteErrors(pub Vec<SiteError>);

/// Most errors that a message lists.
const ERRORS_SHOWN: usize = 10;

pub(crate) fn entries(
    site: &Site,
    files: &[ContentFile],
    entries: &mut Vec<Entry>,
    errors: &mut Vec<SiteError>,
) {
    let owner = Owner::Site(site.name.clone());
    let first_new = entries.len();
    for file in files {
        let urls = match urls(site, &file.path) {
            Ok(urls) => urls,
            Err(error) => {
                let (site, path) = (site.name.clone(), file.path.clone());
                errors.push(SiteError::NoUrl { site, path, error });
                continue;
            }
        };
        let path: Arc<str> = file.path.as_str().into();
        let generation = Generation::of_content(&file.id);
        entries.extend(urls.into_iter().map(|url| Entry {
            key: EntryKey {
                owner: owner.clone(),
                path: Some(path.clone()),
                target: Target::File(url),
                endpoint: site.endpoint.clone(),
            },
            generation: generation.clone(),
        }));
    }
    if has_aliases(site) {
        collisions(site, &entries[first_new..], errors);
    }
}

/// A text for comparison: sites with the same text turn the same files into the same entries.
pub(crate) fn mapping(site: &Site) -> String {
    let Site {
        name,
        endpoint,
        base_url,
        content: _,
        index,
        redirect,
        strip_extensions,
        on_delete: _,
        suspension: _,
    } = site;
    // Another version may make other URLs.
    let version = env!("CARGO_PKG_VERSION");
    format!("{version} {name:?} {endpoint:?} {base_url} {index:?} {redirect} {strip_extensions:?}")
}

pub fn urls(site: &Site, path: &str) -> Result<Vec<CdnUrl>, UrlError> {
    let mut urls = vec![site.base_url.below(path)?];
    match alias(site, path) {
        Some(Alias::Index { folder }) => {
            let folder = site.base_url.below(folder)?;
            urls.extend(folder.without_last_slash().filter(|_| site.redirect));
            urls.push(folder);
        }
        Some(Alias::Stripped { path }) => urls.push(site.base_url.below(path)?),
        None => {}
    }
    Ok(urls)
}

enum Alias<'p> {
    /// A folder's path, which ends in `/`, or empty for the root; with `redirect` also without `/`.
    Index {
        folder: &'p str,
    },
    Stripped {
        path: &'p str,
    },
}

impl<'p> Alias<'p> {
    /// The path that another file could have too. A path that ends in `/` cannot be shared.
    fn contested(&self, site: &Site) -> Option<&'p str> {
        match self {
            Self::Index { folder } => folder.strip_suffix('/').filter(|_| site.redirect),
            Self::Stripped { path } => Some(path),
        }
    }
}

fn alias<'p>(site: &Site, path: &'p str) -> Option<Alias<'p>> {
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at(name_at);
    if site.index.as_deref() == Some(name) {
        return Some(Alias::Index { folder });
    }
    let stem = stripped(site, name)?;
    let path = &path[..name_at + stem.len()];
    Some(Alias::Stripped { path })
}

/// The name without the longest matching extension; `None` if nothing would be left.
fn stripped<'n>(site: &Site, name: &'n str) -> Option<&'n str> {
    let extensions = site.strip_extensions.iter();
    let stems = extensions.filter_map(|extension| name.strip_suffix(extension.as_str()));
    stems
        .filter(|stem| !stem.is_empty())
        .min_by_key(|stem| stem.len())
}

/// The number of [`urls`] of a file; `None` if the path is so long that a URL may be too long.
pub(crate) fn count(site: &Site, path: &str) -> Option<usize> {
    // At worst, every byte is escaped.
    let longest = site.base_url.as_str().len() + 3 * path.len();
    let aliases = match alias(site, path) {
        // A root's `/` is its whole path.
        Some(Alias::Index { folder: "" }) if site.base_url.path() == "/" => 1,
        Some(Alias::Index { .. }) => 1 + usize::from(site.redirect),
        Some(Alias::Stripped { .. }) => 1,
        None => 0,
    };
    (longest <= MAX_URL_BYTES).then_some(1 + aliases)
}

/// The sum of [`count`] over the files of one folder with these subfolders; `None` also if two files
/// may share a URL.
pub(crate) fn count_folder(site: &Site, files: &[String], folders: &[String]) -> Option<usize> {
    // Whether a subfolder has an index is not known here.
    let redirecting = folders.iter().filter(|_| site.redirect);
    let paths = || files.iter().map(String::as_str);
    are_apart(site, paths(), redirecting.map(String::as_str))
        .then(|| paths().map(|path| count(site, path)).sum())?
}

/// Whether no two of these files share a URL. False if a path may also be one of the `others`.
pub(crate) fn are_apart<'p>(
    site: &Site,
    files: impl Iterator<Item = &'p str>,
    others: impl Iterator<Item = &'p str>,
) -> bool {
    // Without aliases every file has its own URL: the encoding is reversible.
    if !has_aliases(site) {
        return true;
    }
    let mut claimed: HashSet<&str> = others.collect();
    let mut claims = files.flat_map(|path| {
        let alias = alias(site, path).and_then(|alias| alias.contested(site));
        [Some(path), alias].into_iter().flatten()
    });
    claims.all(|path| claimed.insert(path))
}

/// Whether a file can share URLs with another file.
fn has_aliases(site: &Site) -> bool {
    site.redirect || !site.strip_extensions.is_empty()
}

fn collisions(site: &Site, entries: &[Entry], errors: &mut Vec<SiteError>) {
    let mut claims: HashMap<&CdnUrl, &Arc<str>> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let (Some(path), Some(url)) = (&entry.key.path, entry.key.target.url()) else {
            continue;
        };
        match claims.insert(url, path) {
            Some(first) if first != path => errors.push(SiteError::Collision {
                site: site.name.clone(),
                first: first.to_string(),
                second: path.to_string(),
                url: url.clone(),
            }),
            Some(_) | None => {}
        }
    }
}
