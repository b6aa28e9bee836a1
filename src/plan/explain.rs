//! Why an entry is in a plan, or is not. Pure.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::Plan;
use crate::desired::Desired;
use crate::diagnostic::Place;
use crate::diff::{Finding, Reason, compare};
use crate::entry::{EntryKey, Generation, Owner, Target, TargetKind};
use crate::escape;
use crate::manifest::resource::Project;
use crate::state::pending::Pending;
use crate::state::{Due, Observed, PendingOperation, State};
use crate::url::CdnUrl;
use crate::verify::Evidence;

#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub key: EntryKey,
    pub standing: Standing,
    /// Where its manifest names it, or at least where the manifest is; `None` if none declares it.
    pub declared: Option<Place>,
    /// The generation that counts as purged, by the state or the revision compared with.
    pub before: Option<Generation>,
    /// The generation wanted; `None` if its content is gone or no manifest wants it.
    pub after: Option<Generation>,
    pub observed: Option<Observed>,
    pub due: Option<Due>,
    pub operation: Option<PendingOperation>,
    pub request: Option<ServingRequest>,
    /// The directory that is purged in its place.
    pub covered_by: Option<CdnUrl>,
    pub deferred_until: Option<DateTime<Utc>>,
    /// What its edge served when it was last asked.
    pub evidence: Option<Evidence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Planned(Reason),
    /// Left out by `--target` or `--exclude`.
    LeftOut(Reason),
    UnderWay,
    Confirmed,
    /// Its manifest is suspended.
    Suspended,
    /// No manifest wants it any more.
    Undeclared,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingRequest {
    /// Its number among the endpoint's requests, from 1.
    pub number: usize,
    pub of: usize,
    pub targets: usize,
    /// Entries it serves besides this one.
    pub others: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no entry has the address `{address}`")]
pub struct NoEntry {
    pub address: String,
    /// The most similar address.
    pub nearest: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub project: &'a Project,
    pub plan: &'a Plan,
    /// With every entry.
    pub desired: &'a Desired,
    /// What counts as purged.
    pub base: &'a State,
    /// The same as the base, unless that is a revision.
    pub state: &'a State,
}

impl Known<'_> {
    pub fn explain(&self, address: &str) -> Result<Vec<Explanation>, NoEntry> {
        let asked = Asked::new(address);
        let mut found = Vec::new();
        let pending = Pending::of(&self.base.pending_operations);
        compare(self.desired, self.base, &pending, |compared| {
            if asked.is(compared.key) {
                let standing = self.standing(compared.key, &compared.finding);
                let before = compared.observed.and_then(|known| known.generation.clone());
                let after = compared.wanted.cloned();
                found.push(self.explanation(compared.key, standing, before, after));
            }
        });
        for key in self.suspended().filter(|key| asked.is(key)) {
            let before = self.base.entries.get(&key);
            let before = before.and_then(|known| known.generation.clone());
            if found.iter().all(|explanation| explanation.key != key) {
                found.push(self.explanation(&key, Standing::Suspended, before, None));
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
        let wanted = self.desired.entries.iter().map(|entry| entry.key.clone());
        let known = self.base.entries.keys().cloned();
        Err(NoEntry {
            address: address.to_owned(),
            nearest: nearest(address, wanted.chain(known).chain(self.suspended())),
        })
    }

    fn standing(&self, key: &EntryKey, finding: &Finding) -> Standing {
        let is_planned = || {
            let changes = &self.plan.changes;
            changes
                .binary_search_by(|change| change.key.cmp(key))
                .is_ok()
        };
        match *finding {
            Finding::Confirmed => Standing::Confirmed,
            Finding::UnderWay => Standing::UnderWay,
            Finding::Differs(reason) if is_planned() => Standing::Planned(reason),
            Finding::Differs(reason) if self.project.endpoints.contains_key(&key.endpoint) => {
                Standing::LeftOut(reason)
            }
            Finding::Differs(_) | Finding::Undeclared => Standing::Undeclared,
        }
    }

    /// Entries that a suspended manifest declares, or declared.
    fn suspended(&self) -> impl Iterator<Item = EntryKey> {
        let is_suspended = |owner: &Owner| self.desired.suspended.binary_search(owner).is_ok();
        let known = self.state.entries.keys().cloned();
        let declared = self.project.purges.iter().flat_map(|purge| {
            purge.targets.iter().map(|target| EntryKey {
                owner: Owner::Purge(purge.name.clone()),
                path: None,
                target: target.clone(),
                endpoint: purge.endpoint.clone(),
            })
        });
        let all = known.chain(declared);
        all.filter(move |key| is_suspended(&key.owner))
    }

    fn explanation(
        &self,
        key: &EntryKey,
        standing: Standing,
        before: Option<Generation>,
        after: Option<Generation>,
    ) -> Explanation {
        let declared = match standing {
            Standing::Undeclared => None,
            Standing::Planned(_)
            | Standing::LeftOut(_)
            | Standing::UnderWay
            | Standing::Confirmed
            | Standing::Suspended => self.project.declared.get(&key.owner).cloned(),
        };
        Explanation {
            key: key.clone(),
            standing,
            declared,
            before,
            after,
            observed: self.state.entries.get(key).cloned(),
            due: self.state.due.get(key).cloned(),
            operation: self.state.pending_operations.of(key).cloned(),
            request: self.request(key),
            covered_by: self.plan.covered_by().get(key).map(|url| (*url).clone()),
            deferred_until: self.plan.deferred.get(key).copied(),
            evidence: self.evidence(key).cloned(),
        }
    }

    fn evidence(&self, key: &EntryKey) -> Option<&Evidence> {
        let seen = self.plan.looked.as_ref().and_then(|looked| looked.of(key));
        let known = self.state.proofs.get(key);
        let known = known.and_then(|proof| proof.evidence.as_ref());
        seen.map(|seen| &seen.evidence).or(known)
    }

    fn request(&self, key: &EntryKey) -> Option<ServingRequest> {
        let steps = self.plan.steps.iter();
        let steps: Vec<_> = steps.filter(|step| step.endpoint == key.endpoint).collect();
        let serves = |index: &usize| steps[*index].serves.iter().any(|serve| serve.key == *key);
        let index = (0..steps.len()).find(serves)?;
        Some(ServingRequest {
            number: index + 1,
            of: steps.len(),
            targets: steps[index].items.len(),
            others: steps[index].serves.len() - 1,
        })
    }
}

/// An address as it was typed; a target alone means every entry that has it.
struct Asked<'a> {
    text: &'a str,
    /// The text as a normalized URL.
    url: Option<String>,
}

impl<'a> Asked<'a> {
    fn new(text: &'a str) -> Self {
        let url = Target::parse(TargetKind::File, text).ok();
        let url = url.map(|url| url.to_string());
        Self { text, url }
    }

    fn is(&self, key: &EntryKey) -> bool {
        let target = key.target.as_str();
        if !target.is_empty() && (target == self.text || Some(target) == self.url.as_deref()) {
            return true;
        }
        let address = key.address();
        // The address may be copied from output, where it is escaped.
        address == self.text || self.text.contains("\\u{") && escape::line(&address) == self.text
    }
}

/// The entry's address whose address or target is most similar to a text, if at least half of it matches.
fn nearest(text: &str, known: impl Iterator<Item = EntryKey>) -> Option<String> {
    let ranked = known.map(|key| {
        let address = key.address();
        let similarity = similarity(text, &address).max(similarity(text, key.target.as_str()));
        (Reverse(similarity), address)
    });
    let (Reverse(similarity), address) = ranked.min()?;
    (similarity * 2 >= text.len()).then_some(address)
}

/// The length of the common prefix and suffix: what a typo leaves of an address.
fn similarity(a: &str, b: &str) -> usize {
    let shared =
        |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
    let front = shared(&mut a.bytes().zip(b.bytes()));
    let back = shared(&mut a.bytes().rev().zip(b.bytes().rev()));
    (front + back).min(a.len()).min(b.len())
}
