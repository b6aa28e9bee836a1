//! A state in the form that a plan needs, and how it is kept between commands.
//!
//! Most entries of a large state are confirmed files of a site. A plan only counts those that are
//! unchanged. So they are *packed*: path and content id, in a form that is compared with a listing of the
//! site without making entries.
//!
//! ```text
//!  state ─▶ pack ─▶ StateView { state: what is open, packed: path + id }
//!  listing ─┬▶ split ─▶ unchanged: counted
//!           └────────▶ what differs: unpacked into `state`, and entries on both sides
//!  records of a run ─▶ state ─▶ pack ─▶ StateView, for the next run
//! ```
//! # What is packed
//! A file with all entries confirmed at its content id, no later attempt, and nothing pending or due.
//! Everything else stays in `state`. Times of confirmations are dropped because no plan uses them.
//!
//! # Why it can replace the state
//! * Unpacked, a view equals the state, except for those times. So a plan of the differences, with the
//!   rest counted, is the plan of everything.
//! * A record changes one entry without looking at others, so records can be applied to a view if their
//!   entries are unpacked: a plan's changes differ, and operations are open.
//! * A state's digest is a sum over its entries, so it is known without unpacking.
//!
//! Tests check all three as laws.
//!
//! # How it is kept
//! [`Views`] keeps it in memory, and in the project's caches between processes. It is reused only if the
//! store still holds the state that it was made from.

mod packed;
mod split;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::cache::{push_sized, take_sized};
use crate::content::{ContentFile, ContentId};
use crate::desired::{Contents, Unchanged, site};
use crate::entry::{Entry, EntryKey, Generation, Owner, TargetKind};
use crate::manifest::resource::{Project, Site};
use crate::state::format::{self, Digest};
use crate::state::{Loaded, Observed, Stamp, State};
use packed::PackedFiles;
pub use split::{Detail, Open, Split, are_apart, is_compared, open_files, split_unchanged};
pub use views::Views;

/// A state in which unchanged files of sites are packed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateView {
    /// Everything that is not packed.
    pub state: Arc<State>,
    sites: BTreeMap<Arc<str>, PackedSite>,
    packed: Digest,
    /// Identifies the state that the view was made from; `None` if the store cannot tell.
    stamp: Option<Stamp>,
}

#[derive(Debug, Clone, PartialEq)]
struct PackedSite {
    /// The site's [`site::mapping`] when it was packed. Another mapping makes other entries.
    mapping: String,
    files: PackedFiles,
}

impl From<State> for StateView {
    fn from(state: State) -> Self {
        Arc::new(state).into()
    }
}

impl From<Loaded> for StateView {
    fn from(loaded: Loaded) -> Self {
        loaded.state.into()
    }
}

impl From<Arc<State>> for StateView {
    fn from(state: Arc<State>) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }
}

impl StateView {
    /// The digest of the whole state; `None` if nothing was ever recorded.
    pub fn digest(&self) -> Option<String> {
        let whole = || self.packed.plus(Digest::of(&self.state));
        (self.state.serial > 0).then(|| whole().to_string())
    }

    pub fn pack(&mut self, project: &Project) {
        let open = open_files(&self.state);
        let before = Digest::of(&self.state);
        let state = Arc::make_mut(&mut self.state);
        let entries: Vec<_> = std::mem::take(&mut state.entries).into_iter().collect();
        let of_one_file =
            |a: &(EntryKey, _), b: &(EntryKey, _)| a.0.owner == b.0.owner && a.0.path == b.0.path;
        let files: Vec<_> = entries.chunk_by(of_one_file).collect();
        let confirmed: Vec<_> = files
            .par_iter()
            .map(|entries| confirmed_file(project, &open, entries))
            .collect();
        let mut added: BTreeMap<&Arc<str>, Vec<_>> = BTreeMap::new();
        for (entries, confirmed) in files.into_iter().zip(confirmed) {
            match confirmed {
                Some((site, path, id)) => {
                    added
                        .entry(&site.name)
                        .or_default()
                        .push((path.clone(), id));
                }
                None => state.entries.extend(entries.iter().cloned()),
            }
        }
        let mut replaced = Digest::default();
        for site in &project.sites {
            let packed = self.sites.entry(site.name.clone());
            let packed = packed.or_insert_with(|| PackedSite {
                mapping: site::mapping(site),
                files: PackedFiles::default(),
            });
            let added = added.remove(&site.name).unwrap_or_default();
            replaced = replaced.plus(digest_of(site, &packed.files.add(&added)));
        }
        let left = Digest::of(&self.state);
        self.packed = self.packed.plus(before).minus(left).minus(replaced);
    }

    /// Removes unchanged confirmed files from `contents`, and unpacks the changed ones.
    pub fn split(
        &mut self,
        project: &Project,
        contents: &Contents,
        detail: Detail,
        now: DateTime<Utc>,
    ) -> (Contents, Vec<Unchanged>) {
        let mut left = Contents::new();
        let mut unchanged = Vec::new();
        for site in &project.sites {
            let wanted = contents.get(&site.name);
            let wanted = wanted.map_or(&[][..], |listing| &listing.files);
            let is_split =
                detail == Detail::Differences && is_compared(site, now) && are_apart(site, wanted);
            let packed = self.sites.get_mut(&site.name).filter(|_| is_split);
            let files = if let Some(packed) = packed {
                let split = split_unchanged(site, wanted, packed.files.files(), None);
                packed.files.remove_files(&split.purged);
                self.unpack_files(site, &split.purged);
                unchanged.push(Unchanged::new(site, split.unchanged));
                split.wanted
            } else {
                self.unpack_site(site);
                wanted.to_vec()
            };
            left.entry(site.name.clone()).or_default().files = files;
        }
        (left, unchanged)
    }

    pub fn unpack<'k>(
        &mut self,
        project: &Project,
        entries: impl IntoIterator<Item = &'k EntryKey>,
    ) {
        let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for key in entries {
            if let (Owner::Site(site), Some(path)) = (&key.owner, &key.path) {
                paths.entry(site).or_default().insert(path);
            }
        }
        for site in &project.sites {
            let paths = paths.get(&*site.name);
            if let Some((paths, packed)) = paths.zip(self.sites.get_mut(&site.name)) {
                let files = packed.files.remove(paths);
                self.unpack_files(site, &files);
            }
        }
    }

    fn unpack_site(&mut self, site: &Site) {
        if let Some(packed) = self.sites.get_mut(&site.name) {
            let files = std::mem::take(&mut packed.files);
            let files: Vec<_> = files.files().collect();
            self.unpack_files(site, &files);
        }
    }

    fn unpack_files(&mut self, site: &Site, files: &[ContentFile]) {
        self.packed = self.packed.minus(digest_of(site, files));
        let state = Arc::make_mut(&mut self.state);
        state.entries.extend(entries(site, files));
    }

    /// Whether it was packed with the project's current sites and mappings.
    fn fits(&self, project: &Project) -> bool {
        let sites: BTreeMap<_, _> = project
            .sites
            .iter()
            .map(|site| (&site.name, site::mapping(site)))
            .collect();
        let packed = self.sites.iter();
        packed
            .map(|(name, packed)| (name, &packed.mapping))
            .eq(sites.iter().map(|(name, mapping)| (*name, mapping)))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_sized(&mut bytes, &format::to_bytes(&self.state));
        push_sized(&mut bytes, &self.packed.to_bytes());
        for (name, packed) in &self.sites {
            push_sized(&mut bytes, name.as_bytes());
            push_sized(&mut bytes, packed.mapping.as_bytes());
            push_sized(&mut bytes, packed.files.as_bytes());
        }
        bytes
    }

    /// `None` if the bytes are invalid.
    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let ahead = &mut bytes;
        let state = format::from_bytes(take_sized(ahead)?, "the view").ok()?;
        let packed = Digest::from_bytes(take_sized(ahead)?.try_into().ok()?);
        let mut sites = BTreeMap::new();
        while !ahead.is_empty() {
            let name = text(take_sized(ahead)?)?;
            let mapping = text(take_sized(ahead)?)?;
            let files = PackedFiles::from_bytes(take_sized(ahead)?.to_vec());
            sites.insert(name.into(), PackedSite { mapping, files });
        }
        Some(Self {
            state: Arc::new(state),
            sites,
            packed,
            stamp: None,
        })
    }
}

/// The entries of confirmed files, without the times of their confirmation.
fn entries(site: &Site, files: &[ContentFile]) -> impl Iterator<Item = (EntryKey, Observed)> {
    let mut entries = Vec::new();
    // A file without a URL never was an entry.
    site::entries(site, files, &mut entries, &mut Vec::new());
    entries.into_iter().map(|Entry { key, generation }| {
        let observed = Observed {
            generation: Some(generation),
            ..Observed::default()
        };
        (key, observed)
    })
}

fn digest_of(site: &Site, files: &[ContentFile]) -> Digest {
    entries(site, files).fold(Digest::default(), |sum, (key, observed)| {
        sum.plus(Digest::of_entry(&key, &observed))
    })
}

/// The file that these entries of one path belong to, if they are exactly what its site makes of
/// it; `None` if something is open.
fn confirmed_file<'p, 'e>(
    project: &'p Project,
    open: &Open,
    entries: &'e [(EntryKey, Observed)],
) -> Option<(&'p Site, &'e Arc<str>, ContentId)> {
    let (first, known) = entries.first()?;
    let Owner::Site(name) = &first.owner else {
        return None;
    };
    let site = project.sites.iter().find(|site| site.name == *name)?;
    let path = first.path.as_ref()?;
    if open.get(name).is_some_and(|open| open.contains(path)) {
        return None;
    }
    let generation = known.generation.as_ref()?;
    let id: ContentId = generation.as_str().parse().ok()?;
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
    (all && is_id && entries.iter().all(is_usual)).then_some((site, path, id))
}
