//! What a plan needs of a state, in a form that is short and quick to read.
//!
//! Most entries of a large state are files of a site that were confirmed, with no attempt since: all
//! that tells them apart from what the site's manifest says anyway is a path and a content id. Pure;
//! an extract is made of a state, and no state of an extract.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Known, Loaded, Observed, format};
use crate::cache::{PathReader, PathWriter, push_sized, take, take_sized};
use crate::content::{ContentFile, ContentId, SortedFiles};
use crate::desired::site;
use crate::entry::{Entry, EntryKey, Generation, Owner, TargetKind};
use crate::manifest::resource::{Project, Site};

/// A state, with confirmed files of sites apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Extract {
    /// Everything else.
    pub known: Known,
    /// By name of the site.
    pub confirmed: BTreeMap<Arc<str>, Confirmed>,
}

/// Files of a site of which every entry was confirmed, with no attempt since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confirmed {
    /// The site's [`site::mapping`] when the extract was made: under another one, the files are other
    /// entries.
    mapping: String,
    /// Path and id of each, sorted by path.
    packed: Vec<u8>,
}

impl Confirmed {
    /// The files.
    pub fn files(&self) -> PackedFiles<'_> {
        let mut files = PackedFiles {
            ahead: &self.packed,
            path: PathReader::default(),
            id: None,
        };
        files.pass();
        files
    }
}

/// Files that are read as they are asked for: a text for each would cost more than all the rest.
#[derive(Debug)]
pub struct PackedFiles<'a> {
    ahead: &'a [u8],
    path: PathReader,
    /// Of the file at hand.
    id: Option<ContentId>,
}

impl PackedFiles<'_> {
    fn next_id(&mut self) -> Option<ContentId> {
        self.path.advance(&mut self.ahead)?;
        Some(ContentId::from_bytes(take(&mut self.ahead)?))
    }
}

impl SortedFiles for PackedFiles<'_> {
    fn peek(&self) -> Option<(&[u8], ContentId)> {
        Some((self.path.path(), self.id?))
    }

    fn pass(&mut self) {
        self.id = self.next_id();
    }

    fn take(&mut self) -> Option<ContentFile> {
        let (path, id) = self.peek()?;
        let path = String::from_utf8_lossy(path).into_owned();
        self.pass();
        Some(ContentFile { path, id })
    }
}

/// The entries of confirmed files, without the times of their confirmation, which no plan looks at.
pub fn entries(site: &Site, files: &[ContentFile]) -> impl Iterator<Item = (EntryKey, Observed)> {
    let mut entries = Vec::new();
    // What has no URL was never an entry.
    site::entries(site, files, &mut entries, &mut Vec::new());
    entries.into_iter().map(|Entry { key, generation }| {
        let observed = Observed {
            generation: Some(generation),
            ..Observed::default()
        };
        (key, observed)
    })
}

impl From<Known> for Extract {
    fn from(known: Known) -> Self {
        Self {
            known,
            confirmed: BTreeMap::new(),
        }
    }
}

impl From<Loaded> for Extract {
    fn from(loaded: Loaded) -> Self {
        Known::from(loaded).into()
    }
}

impl Extract {
    /// Whether it was made for the sites there are, mapped to URLs as they are.
    pub fn fits(&self, project: &Project) -> bool {
        let sites: BTreeMap<_, _> = mappings(project).collect();
        let made_for = self.confirmed.iter();
        made_for
            .map(|(name, confirmed)| (name, &confirmed.mapping))
            .eq(sites.iter().map(|(name, mapping)| (*name, mapping)))
    }

    /// Puts the confirmed files of sites apart, and leaves out what no plan looks at.
    #[must_use]
    pub fn compressed(mut self, project: &Project) -> Self {
        for (name, mapping) in mappings(project) {
            let packed = Vec::new();
            let confirmed = Confirmed { mapping, packed };
            self.confirmed.insert(name.clone(), confirmed);
        }
        let mut paths: BTreeMap<&Arc<str>, PathWriter> = BTreeMap::new();
        let state = &mut self.known.state;
        state.history.clear();
        state.unknown.clear();
        let entries: Vec<_> = std::mem::take(&mut state.entries).into_iter().collect();
        let mut left = BTreeMap::new();
        let of_one_file =
            |a: &(EntryKey, _), b: &(EntryKey, _)| a.0.owner == b.0.owner && a.0.path == b.0.path;
        for group in entries.chunk_by(of_one_file) {
            let site = group.first().and_then(|(key, _)| site_of(project, key));
            let file = site.and_then(|site| Some((site, confirmed_file(site, group)?)));
            let packed = file.and_then(|(site, (path, id))| {
                let packed = &mut self.confirmed.get_mut(&site.name)?.packed;
                let paths = paths.entry(&site.name).or_default();
                paths.push(packed, path)?;
                packed.extend_from_slice(id.as_bytes());
                Some(())
            });
            if packed.is_none() {
                left.extend(group.iter().cloned());
            }
        }
        state.entries = left;
        self
    }

    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_sized(
            &mut bytes,
            self.known.digest.as_deref().unwrap_or_default().as_bytes(),
        );
        push_sized(&mut bytes, &format::to_bytes(&self.known.state));
        for (name, confirmed) in &self.confirmed {
            push_sized(&mut bytes, name.as_bytes());
            push_sized(&mut bytes, confirmed.mapping.as_bytes());
            push_sized(&mut bytes, &confirmed.packed);
        }
        bytes
    }

    /// From such bytes; nothing if they are not.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let ahead = &mut bytes;
        let digest = text(take_sized(ahead)?)?;
        let state = format::from_bytes(take_sized(ahead)?, "the extract").ok()?;
        let mut confirmed = BTreeMap::new();
        while !ahead.is_empty() {
            let name = text(take_sized(ahead)?)?;
            let mapping = text(take_sized(ahead)?)?;
            let packed = take_sized(ahead)?.to_vec();
            confirmed.insert(name.into(), Confirmed { mapping, packed });
        }
        let known = Known {
            state,
            digest: (!digest.is_empty()).then_some(digest),
        };
        Some(Self { known, confirmed })
    }
}

/// The sites by name, with their mapping.
fn mappings(project: &Project) -> impl Iterator<Item = (&Arc<str>, String)> {
    let sites = project.sites.iter();
    sites.map(|site| (&site.name, site::mapping(site)))
}

/// The site that an entry is of.
fn site_of<'p>(project: &'p Project, key: &EntryKey) -> Option<&'p Site> {
    let Owner::Site(name) = &key.owner else {
        return None;
    };
    let mut sites = project.sites.iter();
    sites.find(|site| site.name == *name)
}

/// The file that these entries, all there are of one path, are just what the site makes of.
fn confirmed_file<'e>(
    site: &Site,
    entries: &'e [(EntryKey, Observed)],
) -> Option<(&'e str, ContentId)> {
    let (first, known) = entries.first()?;
    let generation = known.generation.as_ref()?;
    let id: ContentId = generation.as_str().parse().ok()?;
    let path = first.path.as_deref()?;
    let is_usual = |(key, observed): &(EntryKey, Observed)| {
        key.target.kind() == TargetKind::File
            && key.endpoint == site.endpoint
            && observed.generation.as_ref() == Some(generation)
            && observed.attempt.is_none()
    };
    let mut urls = site::urls(site, path).ok()?;
    urls.sort_unstable();
    let all = urls
        .iter()
        .map(Some)
        .eq(entries.iter().map(|(key, _)| key.target.url()));
    let is_id = Generation::of_content(&id) == *generation;
    (all && is_id && entries.iter().all(is_usual)).then_some((path, id))
}
