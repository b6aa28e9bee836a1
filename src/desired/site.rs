//! A `Site`: paths of files become URLs. Pure; the rules of aliases live here and nowhere else.
//!
//! With `index: index.html`, the file `a/index.html` is `…/a/index.html` and `…/a/`, with
//! `redirect: true` also `…/a`; with `stripExtensions: [".html"]`, `a.html` is `…/a.html` and
//! `…/a`. All of them are separate entries of a cache, so all of them are purged.

use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;

use super::url::{MAX_URL_BYTES, UrlError};
use super::{CdnUrl, Entry, EntryKey, Generation, Kind, Owner};
use crate::content::ContentFile;
use crate::manifest::resource::Site;

/// Why a file of a site has no URL of its own.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SiteError {
    /// No URL can be made of its path.
    #[error("site `{site}`: no URL can be made of `{path}`: {error}")]
    NoUrl {
        /// Name of the site.
        site: Arc<str>,
        /// Path below the content root.
        path: String,
        /// Why not.
        error: UrlError,
    },
    /// Two files are served under one URL.
    #[error("site `{site}`: `{first}` and `{second}` both map to {url}")]
    Collision {
        /// Name of the site.
        site: Arc<str>,
        /// Path of the one file.
        first: String,
        /// Path of the other.
        second: String,
        /// Their URL.
        url: CdnUrl,
    },
}

/// Everything that is wrong with the content of all sites.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", .0.iter().take(ERRORS_SHOWN).map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct SiteErrors(pub Vec<SiteError>);

/// Errors spelt out in a message; more would not be read.
const ERRORS_SHOWN: usize = 10;

/// The entries of a site, in no particular order.
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
                kind: Kind::File,
                url,
                endpoint: site.endpoint.clone(),
            },
            generation: generation.clone(),
        }));
    }
    // Without aliases every file has a URL of its own: the encoding is reversible.
    if has_aliases(site) {
        collisions(site, &entries[first_new..], errors);
    }
}

/// Every URL that serves the file at `path` below the content root.
///
/// # Errors
/// [`UrlError::TooLong`].
pub fn urls(site: &Site, path: &str) -> Result<Vec<CdnUrl>, UrlError> {
    let mut urls = vec![site.base_url.below(path)?];
    let (folder, name) = match path.rfind('/') {
        Some(slash) => path.split_at(slash + 1),
        None => ("", path),
    };
    if site.index.as_deref() == Some(name) {
        let folder = site.base_url.below(folder)?;
        urls.extend(folder.without_last_slash().filter(|_| site.redirect));
        urls.push(folder);
    } else if let Some(stem) = stripped(site, name) {
        urls.push(site.base_url.below(&format!("{folder}{stem}"))?);
    }
    Ok(urls)
}

/// How many [`urls`] a site without aliases has for a file, without making them; nothing where the
/// path is so long that they may be too long.
pub(crate) fn count(site: &Site, path: &str) -> Option<usize> {
    // At worst, every byte is escaped.
    let longest = site.base_url.as_str().len() + 3 * path.len();
    let name = path.rfind('/').map_or(path, |slash| &path[slash + 1..]);
    let is_index = site.index.as_deref() == Some(name);
    (longest <= MAX_URL_BYTES).then_some(1 + usize::from(is_index))
}

/// The name without the longest of the extensions to strip; `None` where nothing would be left.
fn stripped<'n>(site: &Site, name: &'n str) -> Option<&'n str> {
    let extensions = site.strip_extensions.iter();
    let stems = extensions.filter_map(|extension| name.strip_suffix(extension.as_str()));
    stems
        .filter(|stem| !stem.is_empty())
        .min_by_key(|stem| stem.len())
}

/// Whether a file's URLs can be those of another file.
pub(crate) fn has_aliases(site: &Site) -> bool {
    site.redirect || !site.strip_extensions.is_empty()
}

fn collisions(site: &Site, entries: &[Entry], errors: &mut Vec<SiteError>) {
    let mut claims: HashMap<&CdnUrl, &Arc<str>> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let Some(path) = &entry.key.path else {
            continue;
        };
        match claims.insert(&entry.key.url, path) {
            Some(first) if first != path => errors.push(SiteError::Collision {
                site: site.name.clone(),
                first: first.to_string(),
                second: path.to_string(),
                url: entry.key.url.clone(),
            }),
            Some(_) | None => {}
        }
    }
}
