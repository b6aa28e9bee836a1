//! All URLs of an endpoint, in the tree in which its CDN purges directories. Pure.

use std::cmp::Reverse;

use super::count;
use super::cover::{self, Cover, Price, Room, Short, cover};
use crate::desired::Desired;
use crate::diff::Change;
use crate::entry::{Owner, Target, TargetKind};
use crate::manifest::resource::{Endpoint, Project, Weigh};
use crate::provider::place::Directories;
use crate::url::CdnUrl;

/// Directories whose content is fully declared by manifests.
fn known<'p>(project: &'p Project, endpoint: &'p str) -> impl Iterator<Item = Target> + 'p {
    let sites = project.sites.iter();
    let sites = sites.filter(move |site| *site.endpoint == *endpoint);
    let sites = sites.map(|site| Target::Directory(site.base_url.clone()));
    let purges = project.purges.iter();
    let purges = purges.filter(move |purge| *purge.endpoint == *endpoint);
    let targets = purges.flat_map(|purge| purge.targets.iter().cloned());
    sites.chain(targets.filter(|target| target.kind() == TargetKind::Directory))
}

#[derive(Debug)]
pub(super) struct Place<'a> {
    at: String,
    weight: u64,
    pub(super) changed: Option<Changed<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Changed<'a> {
    url: &'a CdnUrl,
    pub(super) is_approved: bool,
}

/// All URLs of an endpoint, as its CDN's directories take them.
#[derive(Debug)]
pub(super) struct Places<'a> {
    /// Sorted, without duplicates.
    all: Vec<Place<'a>>,
    known: Vec<String>,
}

impl<'a> Places<'a> {
    /// `None` if the URLs were not listed.
    pub(super) fn new(
        project: &Project,
        endpoint: &Endpoint,
        desired: &'a Desired,
        changes: &'a [Change],
        approved: &dyn Fn(&Change) -> bool,
    ) -> Option<Self> {
        let (name, provider) = (&endpoint.name, &*endpoint.provider);
        let changes = changes.iter().filter(|change| change.key.endpoint == *name);
        let changes: Vec<_> = changes.collect();
        let mut unchanged = desired.unchanged.iter();
        let mut is_packed = || unchanged.any(|same| same.endpoint == *name && same.entries > 0);
        // No site is listed for one-off purges.
        let mut entries = desired.entries.iter();
        let mut is_by_hand = || {
            let mut owners = changes.iter().map(|change| &change.key.owner);
            owners.all(|owner| *owner == Owner::OneOff)
                && !entries.any(|entry| entry.key.endpoint == *name)
        };
        let served = desired.served.get(name);
        if served.is_none() && (is_packed() || is_by_hand()) {
            return None;
        }
        let targets = changes.iter().map(|change| change.key.target.clone());
        let taking = Directories::new(provider, targets);
        let place = |target: &Target| {
            let is_sent = target.kind() == TargetKind::File && taking.taking(target).is_none();
            provider.place(target).filter(|_| is_sent)
        };
        let mut all = Vec::new();
        let mut add = |target: &Target, weight, changed: Option<Changed<'a>>| {
            all.extend(place(target).map(|at| Place {
                at,
                weight,
                changed,
            }));
        };
        for change in changes {
            let target = &change.key.target;
            let url = target.url().map(|url| Changed {
                url,
                is_approved: approved(change),
            });
            add(target, 0, url);
        }
        let wanted = desired.entries.iter();
        for entry in wanted.filter(|entry| entry.key.endpoint == *name) {
            add(&entry.key.target, 1, None);
        }
        for served in served.into_iter().flatten() {
            let weight = match endpoint.broaden.weigh {
                Weigh::Urls => 1,
                Weigh::Bytes => served.bytes.max(1),
            };
            add(&Target::File(served.url.clone()), weight, None);
        }
        // For each URL a change comes first, and an unapproved one before an approved one.
        let key = |place: &Place<'_>| {
            let is_approved = place.changed.map(|changed| changed.is_approved);
            (is_approved.is_none(), is_approved, Reverse(place.weight))
        };
        all.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| key(a).cmp(&key(b))));
        all.dedup_by(|later, first| later.at == first.at);
        let known = known(project, name);
        let known = known.filter_map(|target| provider.place(&target)).collect();
        Some(Self { all, known })
    }

    pub(super) fn cover(&self, room: Room, price: Price, is_thrifty: bool) -> Result<Cover, Short> {
        let served: Vec<_> = self
            .all
            .iter()
            .map(|place| cover::Served {
                url: &place.at,
                weight: place.weight,
                is_changed: place.changed.is_some(),
            })
            .collect();
        let known = |directory: &str| {
            let mut known = self.known.iter();
            known.any(|front| directory.starts_with(front.as_str()))
        };
        cover(&served, &known, room, price, is_thrifty)
    }

    pub(super) fn below(&self, directory: &str) -> &[Place<'a>] {
        let first = self.all.partition_point(|place| *place.at < *directory);
        let below = &self.all[first..];
        let end = below.partition_point(|place| place.at.starts_with(directory));
        &below[..end]
    }

    /// The URL to purge for a directory of the tree.
    pub(super) fn directory(&self, place: &str) -> Option<CdnUrl> {
        let mut below = self.below(place).iter();
        let url = below.find_map(|place| place.changed)?.url.as_str();
        let slashes = place.matches('/').count();
        let (end, _) = url.match_indices('/').nth(slashes.checked_sub(1)?)?;
        CdnUrl::recorded_directory(&url[..=end]).ok()
    }

    pub(super) fn words(&self, short: &Short) -> String {
        let more = usize::try_from(short.files).unwrap_or(usize::MAX);
        let mut words = format!(
            "no directories make it fit: needs {}",
            count(more, "more file")
        );
        if let Some(next) = &short.next
            && let Some(directory) = self.directory(&next.directory)
        {
            let below = self.below(&next.directory).iter();
            let unchanged = below.filter(|place| place.changed.is_none()).count();
            let path = directory.path();
            let unchanged = count(unchanged, "unchanged URL");
            words += &format!(", or one more directory: {path} with {unchanged}");
        }
        words
    }
}
