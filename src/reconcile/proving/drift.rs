//! Asking the edges before a plan is made: what drifted although it counts as purged, and, where the
//! state was lost, what is fresh although nothing is known of it.

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

/// Most requests before a plan, of all entries together: an hour at the rate at which edges are asked. What
/// would be more is not asked for.
const MAX_REQUESTS: usize = 200_000;

/// What is asked before a plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquiry {
    /// Of all that is selected.
    All,
    /// Of each endpoint as many entries as its sample has.
    Sample,
    /// Of all that is selected, also what is known to differ: it may be there already.
    Present,
    /// What makes the plan that was approved: what was stale then stays so, and what was adopted must
    /// be fresh once more.
    Approved(Approved),
}

/// What the edges said of entries of a plan that was approved.
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
    /// Asks what `inquiry` wants to know of both sides, which hold every entry. Nothing is recorded, and
    /// nobody is waited for.
    ///
    /// # Errors
    /// A selection that is about nothing.
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
        let stood = self.standing(both, base, *inquiry == Inquiry::Present);
        let is_sampled = *inquiry == Inquiry::Sample;
        let mut looked = Looked {
            is_sampled,
            ..Looked::default()
        };
        let mut aims = Vec::new();
        for (key, (generation, before)) in &stood {
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
            requests += questions.len() * most_ways(&self.settings(key));
            requests <= MAX_REQUESTS
        });
        let fits = fits.count();
        questions.truncate(fits);
        let requests = questions
            .iter()
            .map(|((key, _), questions)| questions.len() * most_ways(&self.settings(key)));
        let of_origins = self.most_comparisons(&questions);
        self.gate
            .asking(questions.len(), requests.sum(), of_origins);
        let revision = since.map(|since| &*since.revisions.to);
        let mut originals = self.originals(revision);
        let (answers, requests) = self.ask(questions, &mut originals, false, None).await;
        looked.requests = requests;
        looked.left_out = found - answers.len();
        looked.seen.extend(
            answers
                .into_iter()
                .filter_map(|(key, generation, evidence)| {
                    let (_, before) = stood.get(&key)?;
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

    /// Asks what is to be asked before a plan, without the lease; with the state that was known then.
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

    /// The entries about which the edges can tell more than is known: what counts as purged, what was
    /// proven stale, and what nothing is known of.
    fn standing(
        &self,
        both: &BothSides,
        base: &State,
        is_about_all: bool,
    ) -> BTreeMap<EntryKey, (Option<Generation>, Before)> {
        let mut stood = BTreeMap::new();
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
                stood.insert(compared.key.clone(), (wanted, before));
            }
        });
        stood
    }
}
