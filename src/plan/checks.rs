//! Safety checks: a dangerous plan refuses itself, with the arithmetic.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::broaden::{Broadened, most_collateral};
use super::steps::Load;
use super::{Check, CheckName, CheckStatus, Quota};
use crate::desired::Desired;
use crate::diff::{Change, Reason};
use crate::entry::{Owner, Target};
use crate::manifest::resource::{Endpoint, Safety, USUAL_COLLATERAL_PERCENT};
use crate::operation::Item;
use crate::plan::{count, minute, number};
use crate::state::State;

/// With fewer observed entries a percentage says nothing: one of three is 33 %.
pub const MIN_OBSERVED: usize = 10;

/// `--force=CHECK[:ENDPOINT]`: permission to go over a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Force {
    pub check: CheckName,
    /// `None` for all.
    pub endpoint: Option<Arc<str>>,
}

impl Force {
    pub(super) fn covers(&self, check: CheckName, endpoint: &str) -> bool {
        self.check == check && self.endpoint.as_deref().is_none_or(|name| name == endpoint)
    }
}

impl fmt::Display for Force {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.check.as_str())?;
        let mut endpoint = self.endpoint.iter();
        endpoint.try_for_each(|endpoint| write!(f, ":{endpoint}"))
    }
}

impl FromStr for Force {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (check, endpoint) = match text.split_once(':') {
            Some((check, endpoint)) => (check, Some(endpoint)),
            None => (text, None),
        };
        if endpoint == Some("") {
            return Err("no endpoint behind the colon".to_owned());
        }
        let known = CheckName::ALL
            .into_iter()
            .find(|name| name.as_str() == check);
        let check = known.ok_or_else(|| {
            let names: Vec<_> = CheckName::ALL
                .map(|name| format!("`{}`", name.as_str()))
                .into();
            format!(
                "there is no check `{check}`; the checks are {}",
                names.join(", ")
            )
        })?;
        Ok(Self {
            check,
            endpoint: endpoint.map(Arc::from),
        })
    }
}

pub(super) struct Share<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) load: &'a Load,
    pub(super) broadened: &'a Broadened,
    pub(super) changes: &'a [Change],
    pub(super) desired: &'a Desired,
    pub(super) state: &'a State,
    pub(super) quota: &'a [Quota],
    pub(super) may_exceed_quota: bool,
    pub(super) has_sites: bool,
}

/// All checks of one endpoint, in the order of [`CheckName::ALL`].
pub(super) fn checks(share: &Share<'_>, safety: &Safety, forces: &[Force]) -> Vec<Check> {
    let name = &share.endpoint.name;
    let mut findings = vec![
        (CheckName::MaxChangePercent, change_percent(share, safety)),
        (CheckName::MaxUrls, urls(share, safety)),
        (CheckName::MaxDirectories, directories(share, safety)),
        (CheckName::Quota, quota(share)),
    ];
    let broadened = share.broadened;
    if broadened.chosen.contains_key(name) || broadened.left_out.contains_key(name) {
        findings.push((CheckName::MaxCollateral, collateral(share)));
    }
    if share.has_sites {
        findings.push((CheckName::EmptySource, empty_source(share)));
    }
    let findings = findings.into_iter().map(|(check, finding)| {
        let is_forced = || forces.iter().any(|force| force.covers(check, name));
        let (status, text) = match finding {
            Finding::Within(text) => (CheckStatus::Passed, text),
            Finding::Over(text) if is_forced() => (CheckStatus::Forced, text),
            Finding::Over(text) => (CheckStatus::Failed, text),
        };
        let mut check = Check {
            name: check,
            endpoint: name.clone(),
            status,
            detail: format!("[{name}] {text}"),
        };
        match status {
            CheckStatus::Passed => {}
            CheckStatus::Forced => check.detail.push_str("; forced"),
            CheckStatus::Failed => check.detail.extend(["; ", &check.force()]),
        }
        check
    });
    findings.collect()
}

enum Finding {
    Within(String),
    Over(String),
}

impl Finding {
    fn new(over: bool, text: String) -> Self {
        match over {
            true => Self::Over(text),
            false => Self::Within(text),
        }
    }
}

fn change_percent(share: &Share<'_>, safety: &Safety) -> Finding {
    let name = &share.endpoint.name;
    let unchanged = share.desired.unchanged.iter();
    let unchanged = unchanged.filter(|same| same.endpoint == *name);
    let listed = share
        .state
        .entries
        .iter()
        .filter(|(key, observed)| key.endpoint == *name && observed.generation.is_some())
        .count();
    let observed = listed + unchanged.map(|same| same.entries).sum::<usize>();
    let is_changed = |change: &&Change| {
        change.key.endpoint == *name && change.before.is_some() && change.before != change.after
    };
    let changed = share.changes.iter().filter(is_changed).count();
    let limit = safety.max_change_percent;
    if observed < MIN_OBSERVED {
        let text = format!(
            "{} of {} observed entries change; a share is checked from {MIN_OBSERVED} observed",
            number(changed),
            number(observed)
        );
        return Finding::Within(text);
    }
    let text = format!(
        "{}% of entries change, limit {limit}% ({}/{})",
        percent(changed, observed),
        number(changed),
        number(observed)
    );
    Finding::new(changed * 100 > observed * limit as usize, text)
}

/// A percentage with one decimal, rounded half up.
fn percent(part: usize, whole: usize) -> String {
    let tenths = (part * 2000 + whole) / (whole * 2);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn urls(share: &Share<'_>, safety: &Safety) -> Finding {
    // Directories that a cover chose have their own check, by collateral.
    let chosen = share
        .broadened
        .among(&share.endpoint.name, &share.load.items);
    let planned = share.load.items.len() - chosen.len();
    let limit = safety.max_urls;
    Finding::new(
        planned > limit,
        format!(
            "{} in one plan, limit {}",
            count(planned, "URL"),
            number(limit)
        ),
    )
}

/// Directories that a cover chose have their own check, by collateral.
fn directories(share: &Share<'_>, safety: &Safety) -> Finding {
    let chosen = share
        .broadened
        .among(&share.endpoint.name, &share.load.items);
    let chosen: HashSet<_> = chosen.iter().map(|covered| &covered.directory).collect();
    let broad = |item: &&Item| match &item.target {
        Target::Directory(url) => !chosen.contains(url),
        Target::Host(_) | Target::Everything => true,
        Target::File(_) | Target::Tag(_) => false,
    };
    let planned = share.load.items.iter().filter(broad).count();
    let limit = safety.max_directories;
    let counted = format!(
        "{} in one plan, limit {}",
        count(planned, "directory"),
        number(limit)
    );
    let mut whole = share
        .load
        .items
        .iter()
        .filter_map(|item| match &item.target {
            Target::Directory(url) if url.path() == "/" => {
                Some(format!("{url} is a root directory: all of it"))
            }
            Target::Host(host) => Some(format!("all of the host {host}")),
            Target::Everything => Some("all that the endpoint serves".to_owned()),
            Target::Directory(_) | Target::File(_) | Target::Tag(_) => None,
        });
    match whole.next() {
        Some(whole) => Finding::Over(format!("{whole}; {counted}")),
        None => Finding::new(planned > limit, counted),
    }
}

/// Over the quota are forced changes, and changes that no window has room for; not deferred ones.
fn quota(share: &Share<'_>) -> Finding {
    let quota = share.quota.iter();
    let mine = quota.filter(|quota| quota.endpoint == share.endpoint.name);
    let is_over = mine.clone().any(|quota| {
        let is_hopeless = quota.deferred > 0 && quota.usable() == 0;
        is_hopeless || share.may_exceed_quota && quota.planned_in_account > quota.room()
    });
    let texts: Vec<_> = mine.map(quota_text).collect();
    let detail = match texts.is_empty() {
        true => "the CDN has no quota of the day".to_owned(),
        false => texts.join("; "),
    };
    Finding::new(is_over, detail)
}

/// `2,000 files a day (500 used so far), limit 2,000, 500 deferred until 2026-11-22 16:00Z`
fn quota_text(quota: &Quota) -> String {
    let total = quota.used + quota.planned_in_account;
    let total = count(usize::try_from(total).unwrap_or(usize::MAX), &quota.kind);
    let mut parts = Vec::new();
    if quota.used > 0 {
        parts.push(format!("{} used so far", number(quota.used)));
    }
    if quota.planned_in_account > quota.planned {
        let others = number(quota.planned_in_account - quota.planned);
        parts.push(format!(
            "{others} planned on other endpoints of the account"
        ));
    }
    let parts = match parts.is_empty() {
        true => String::new(),
        false => format!(" ({})", parts.join(", ")),
    };
    let mut text = format!("{total} a day{parts}, limit {}", number(quota.limit));
    if quota.reserve > 0 {
        text += &format!(" with a reserve of {}", number(quota.reserve));
    }
    match (quota.deferred, quota.usable()) {
        (0, _) => {}
        (late, 0) => text += &format!(", which has no room for {} on any day", number(late)),
        (late, _) => {
            let until = minute(quota.turns_at);
            text += &format!(", {} deferred until {until}", number(late));
        }
    }
    text
}

fn collateral(share: &Share<'_>) -> Finding {
    let name = &share.endpoint.name;
    let chosen = share.broadened.among(name, &share.load.items);
    let thrown: usize = chosen.iter().map(|covered| covered.collateral).sum();
    let (limit, entries) = most_collateral(share.endpoint, share.desired);
    let of = entries.map_or_else(String::new, |entries| {
        format!(
            " ({USUAL_COLLATERAL_PERCENT}% of {})",
            count(entries, "entry")
        )
    });
    let thrown_text = count(thrown, "unchanged URL");
    let mut text = format!(
        "{thrown_text} below chosen directories, limit {}{of}",
        number(limit)
    );
    if let Some(left_out) = share.broadened.left_out.get(name) {
        let directories = count(left_out.directories, "directory");
        let more = number(left_out.collateral);
        text += &format!("; {directories} with {more} more left out");
    }
    Finding::new(thrown > limit, text)
}

fn empty_source(share: &Share<'_>) -> Finding {
    let name = &share.endpoint.name;
    let gone = share
        .changes
        .iter()
        .filter(|change| change.key.endpoint == *name && change.reason == Reason::ContentDeleted);
    let mut gone_by_site: BTreeMap<&Owner, usize> = BTreeMap::new();
    for change in gone {
        *gone_by_site.entry(&change.key.owner).or_default() += 1;
    }
    let entries = &share.desired.entries;
    let has_unchanged = |owner: &Owner| {
        let mut unchanged = share.desired.unchanged.iter();
        unchanged.any(|same| same.owner == *owner && same.entries > 0)
    };
    let vanished = gone_by_site.iter().filter(|(owner, _)| {
        let first = entries.partition_point(|entry| entry.key.owner < ***owner);
        entries
            .get(first)
            .is_none_or(|entry| entry.key.owner != ***owner)
            && !has_unchanged(owner)
    });
    let vanished: Vec<_> = vanished
        .map(|(owner, gone)| {
            format!(
                "{} has no files, {} would go",
                owner.address(),
                count(*gone, "entry")
            )
        })
        .collect();
    match vanished.is_empty() {
        true => Finding::Within("no site is empty".to_owned()),
        false => Finding::Over(vanished.join("; ")),
    }
}
