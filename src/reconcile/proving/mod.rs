//! The stages that ask the edges: before a plan, after a purge, and alone.

mod drift;
mod one_off;
mod originals;
mod stage;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use tokio::time::Instant;

use super::Reconciler;
use super::questions::{Aim, Served};
use crate::entry::{EntryKey, Generation, TargetKind};
use crate::state::State;
use crate::verify::ask::Asking;
use crate::verify::{Evidence, Proof, Question, Settings, sample};
use crate::workspace::sides::Sides;
pub use drift::{Approved, Inquiry, Name};
use originals::Originals;
pub use verify::Verified;

impl Reconciler<'_> {
    fn past(&self, sides: &Sides, aims: &[Aim]) -> BTreeMap<EntryKey, BTreeSet<Generation>> {
        sides.past(self.project, aims.iter().map(|(key, _)| key))
    }

    fn settings(&self, key: &EntryKey) -> Settings {
        let endpoint = self.project.endpoints.get(&key.endpoint);
        endpoint
            .and_then(|endpoint| endpoint.verify.clone())
            .unwrap_or_default()
    }

    /// The questions about these entries, or about a sample of each endpoint's.
    fn questions(
        &self,
        aims: Vec<Aim>,
        served: &Served<'_>,
        state: &State,
        is_sampled: bool,
    ) -> Vec<(Aim, Vec<Question>)> {
        let mut by_endpoint: BTreeMap<Arc<str>, Vec<(Aim, Vec<Question>)>> = BTreeMap::new();
        for (key, generation) in aims {
            let questions = served.questions(&key, generation.as_ref(), state);
            if !questions.is_empty() {
                let of_endpoint = by_endpoint.entry(key.endpoint.clone()).or_default();
                of_endpoint.push(((key, generation), questions));
            }
        }
        let seed = format!("{}:{}", state.lineage, state.serial);
        let is_needed = |(aim, _): &(Aim, Vec<Question>)| {
            aim.0.target.kind() != TargetKind::File
                || state.proofs.get(&aim.0).is_some_and(Proof::is_due)
        };
        let sampled = by_endpoint.into_values().flat_map(|entries| {
            let most = match (is_sampled, entries.first()) {
                (true, Some(((key, _), _))) => self.settings(key).sample,
                (false, _) | (true, None) => usize::MAX,
            };
            sample(entries, most, &seed, |((key, _), _)| key, is_needed)
        });
        sampled.collect()
    }

    /// Asks, and keeps for each entry the evidence that decides.
    async fn ask(
        &self,
        entries: Vec<(Aim, Vec<Question>)>,
        originals: &mut Originals<'_>,
        wait: bool,
        deadline: Option<Instant>,
    ) -> (Vec<(EntryKey, Option<Generation>, Evidence)>, usize) {
        let settings: BTreeMap<_, _> = entries
            .iter()
            .map(|((key, _), _)| (key.endpoint.clone(), self.settings(key)))
            .collect();
        let questions: Vec<_> = entries
            .iter()
            .flat_map(|(_, questions)| questions)
            .map(|question| (&settings[&question.key.endpoint], question.clone()))
            .collect();
        let stop = self.waiting.cancel.child_token();
        let asking = Asking {
            fetch: self.fetch,
            clock: self.clock,
            cancel: &stop,
            wait,
            deadline,
        };
        let hurried = async {
            self.waiting.hurry.cancelled().await;
            stop.cancel();
            pending::<Infallible>().await
        };
        let asked = tokio::select! {
            asked = asking.ask(&questions, originals) => asked,
            never = hurried => match never {},
        };
        let mut evidence = asked.evidence.into_iter();
        let seen = entries
            .into_iter()
            .filter_map(|((key, generation), questions)| {
                let own = take_all(&mut evidence, questions.len())?;
                Some((key, generation, Evidence::deciding(own)?))
            });
        let mut seen: Vec<_> = seen.collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        (seen, asked.requests)
    }
}

/// The next `count` items; `None` if one is missing, but all are consumed.
fn take_all<T>(items: &mut impl Iterator<Item = Option<T>>, count: usize) -> Option<Vec<T>> {
    let taken: Vec<_> = items.take(count).collect();
    taken.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_of_one_entry_is_not_made_up_for_by_the_next() {
        let mut items = [None, Some(1), Some(2), Some(3)].into_iter();
        assert_eq!(take_all(&mut items, 2), None);
        assert_eq!(take_all(&mut items, 2), Some(vec![2, 3]));
    }
}
