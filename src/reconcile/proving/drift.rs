//! Asking the edges before a plan is made: what is stale although it counts as purged, and, if the state
//! was lost, what is fresh although nothing is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diff::{Finding, Reason, compare};
use crate::entry::{EntryKey, Generation};
use crate::observed::observed;
use crate::plan::looked::{Before, Looked, Seen};
use crate::reconcile::questions::Served;
use crate::reconcile::{ReconcileError, Reconciler};
use crate::state::State;
use crate::state::pending::Pending;
use crate::verify::{Evidence, most_ways};
use crate::workspace::sides::{BothSides, Sides};

/// Most requests before a plan, for all entries together: an hour at the rate at which edges are asked.
/// Entries beyond it are not asked about.
const MAX_REQUESTS: usize = 200_000;

/// Which entries edges are asked about before a plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquiry {
    /// All that are selected.
    All,
    /// A sample of each endpoint.
    Sample,
    /// All that are selected, even those known to differ: they may be purged already.
    Present,
    /// Those of an approved plan: what was stale then stays stale, and what was adopted must be fresh
    /// again.
    Approved(Approved),
}

/// What the edges said about entries of an approved plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approved {
    pub stale: BTreeMap<Name, Evidence>,
    pub adopted: BTreeSet<Name>,
}

/// An entry as documents name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub address: String,
    pub endpoint: String,
    pub target: String,
}

impl From<&EntryKey> for Name {
    fn from(key: &EntryKey) -> Self {
        Self {
            address: key.address(),
            endpoint: key.endpoint.to_string(),
            target: key.target.as_str().to_owned(),
        }
    }
}

impl Reconciler<'_> {
    /// Asks the edges, without waiting and without recording anything. `both` holds every entry.
    pub async fn inquire(
        &self,
        inquiry: &Inquiry,
        sides: &Sides,
        both: &BothSides,
        state: &State,
    ) -> Result<Looked, ReconcileError> {
        let since = both.since.as_ref();
        let base = since.map(|since| observed(since, &both.desired, state));
        let base = base.as_ref().unwrap_or(state);
        let desired = both.desired.entries.iter().map(|entry| &entry.key);
        let known = desired.chain(base.entries.keys());
        self.selection.check(known.map(EntryKey::address))?;
        let candidates = self.candidates(both, base, *inquiry == Inquiry::Present);
        let is_sampled = *inquiry == Inquiry::Sample;
        let mut looked = Looked {
            is_sampled,
            ..Looked::default()
        };
        let mut aims = Vec::new();
        for (key, (generation, before)) in &candidates {
            let aim = || (key.clone(), generation.clone());
            match inquiry {
                Inquiry::All | Inquiry::Sample | Inquiry::Present => aims.push(aim()),
                Inquiry::Approved(approved) => {
                    let name = Name::from(key);
                    if approved.adopted.contains(&name) {
                        aims.push(aim());
                    } else if let Some(evidence) = approved.stale.get(&name) {
                        looked.seen.push(Seen {
                            key: key.clone(),
                            generation: generation.clone(),
                            before: *before,
                            evidence: evidence.clone(),
                        });
                    }
                }
            }
        }
        let found = aims.len();
        let served = Served::new(&both.desired.entries).with_variants(self.project);
        let served = served.with_past(self.past(sides, &aims));
        let mut questions = self.questions(aims, &served, base, is_sampled);
        let mut requests = 0;
        let fits = questions.iter().take_while(|((key, _), questions)| {
            let more = requests + questions.len() * most_ways(&self.settings(key));
            let fits = more <= MAX_REQUESTS;
            if fits {
                requests = more;
            }
            fits
        });
        let fits = fits.count();
        questions.truncate(fits);
        let of_origins = self.most_comparisons(&questions);
        self.gate.asking(questions.len(), requests, of_origins);
        let revision = since.map(|since| &*since.revisions.to);
        let mut originals = self.originals(revision);
        let (answers, requests) = self.ask(questions, &mut originals, false, None).await;
        looked.requests = requests;
        looked.left_out = found - answers.len();
        looked.seen.extend(
            answers
                .into_iter()
                .filter_map(|(key, generation, evidence)| {
                    let (_, before) = candidates.get(&key)?;
                    Some(Seen {
                        key,
                        generation,
                        before: *before,
                        evidence,
                    })
                }),
        );
        looked.seen.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(looked)
    }

    /// What the edges say before a plan is made, with the state at that time. Takes no lease.
    pub(in crate::reconcile) async fn asked(
        &self,
        sides: Option<&Sides>,
    ) -> Result<Option<(Looked, Arc<State>)>, ReconcileError> {
        let Some((inquiry, sides)) = self.inquiry.as_ref().zip(sides) else {
            return Ok(None);
        };
        let (view, both) = self.look(Some(sides))?;
        let looked = self.inquire(inquiry, sides, &both, &view.state).await?;
        Ok(Some((looked, view.state)))
    }

    /// The entries about which edges can tell more than is known: purged ones, those proven stale, and
    /// those about which nothing is known.
    fn candidates(
        &self,
        both: &BothSides,
        base: &State,
        is_about_all: bool,
    ) -> BTreeMap<EntryKey, (Option<Generation>, Before)> {
        let mut candidates = BTreeMap::new();
        let pending = Pending::of(&base.pending_operations);
        compare(&both.desired, base, &pending, |compared| {
            let before = match compared.finding {
                Finding::Confirmed => Before::Purged,
                Finding::Differs(Reason::StaleAtEdge) => Before::Stale,
                Finding::Differs(Reason::Added) if compared.observed.is_none() => Before::New,
                Finding::Differs(_) if is_about_all => Before::New,
                Finding::Differs(_) | Finding::UnderWay | Finding::Undeclared => return,
            };
            if self.selection.selects(&compared.key.address()) {
                let wanted = compared.wanted.cloned();
                candidates.insert(compared.key.clone(), (wanted, before));
            }
        });
        candidates
    }
}
