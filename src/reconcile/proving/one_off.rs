//! The proof of one-off purges. No site is listed for them, so the bytes of a URL are known only as far as
//! the state confirms them, and staleness follows from when the cache stored its copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::stage::{put, sum_up};
use crate::entry::{Entry, EntryKey, Generation, Owner};
use crate::execute::{EndpointClient, Execution, Ports};
use crate::reconcile::questions::Served;
use crate::reconcile::run::Begun;
use crate::reconcile::{Intent, ReconcileError, Reconciler};
use crate::state::{Outcome, Record, State};
use crate::verify::{Proof, Question, Verdict};
use crate::workspace::sides::BothSides;

impl Reconciler<'_> {
    pub(in crate::reconcile) async fn prove_all(
        &self,
        intent: &Intent<'_>,
        begun: &Begun,
        (since, deadline): (DateTime<Utc>, Option<Instant>),
        clients: &BTreeMap<Arc<str>, EndpointClient<'_>>,
        ports: Ports<'_>,
        execution: &mut Execution,
    ) -> Result<(), ReconcileError> {
        match intent {
            Intent::Manifests(sides) => {
                let both = &begun.both;
                self.prove(sides, both, clients, ports, execution, deadline)
                    .await
            }
            Intent::OneOff(_) => {
                self.prove_once(since, clients, ports, execution, deadline)
                    .await
            }
            Intent::Refresh(_) => Ok(()),
        }
    }

    /// Proves confirmed purges that were sent after `since`. What stays stale is due from then on.
    async fn prove_once(
        &self,
        mut since: DateTime<Utc>,
        clients: &BTreeMap<Arc<str>, EndpointClient<'_>>,
        ports: Ports<'_>,
        execution: &mut Execution,
        deadline: Option<Instant>,
    ) -> Result<(), ReconcileError> {
        let is_asked = |key: &EntryKey| {
            let endpoint = self.project.endpoints.get(&key.endpoint);
            endpoint.is_some_and(|endpoint| endpoint.verify.is_some())
        };
        let done = execution
            .entries
            .iter()
            .filter(|entry| entry.outcome == Outcome::Succeeded && is_asked(&entry.key));
        let mut aims: Vec<_> = done
            .map(|entry| (entry.key.clone(), entry.generation.clone()))
            .collect();
        if aims.is_empty() {
            return Ok(());
        }
        ports.recorder.release().await?;
        let known = self.views.store().load()?.state;
        let files = confirmed_files(&known);
        let served = Served::new(&files).with_variants(self.project);
        let nothing = State::default();
        let mut due = Vec::new();
        let mut originals = self.originals(None);
        for round in 0.. {
            if aims.is_empty() || self.is_stopped(deadline, execution) {
                break;
            }
            let ask = |(key, generation): (EntryKey, Option<Generation>)| {
                let questions = served.questions(&key, generation.as_ref(), &nothing);
                let since = Some(since);
                let questions = questions.into_iter();
                let questions: Vec<_> = questions
                    .map(|question| Question { since, ..question })
                    .collect();
                (!questions.is_empty()).then_some(((key, generation), questions))
            };
            let questions = std::mem::take(&mut aims).into_iter().filter_map(ask);
            let (answers, requests) = self
                .ask(
                    questions.collect(),
                    &mut originals,
                    self.waiting.wait,
                    deadline,
                )
                .await;
            execution.verified.get_or_insert_default().requests += requests;
            let mut last = Vec::new();
            for (key, generation, evidence) in answers {
                let settings = self.settings(&key);
                let is_stale = evidence.verdict == Verdict::Stale;
                match is_stale && round < settings.rebound && !execution.interrupted {
                    true => aims.push((key.clone(), generation.clone())),
                    false if is_stale => due.push((key.clone(), generation.clone())),
                    false => {}
                }
                last.push((key, generation, evidence, settings));
            }
            let (sent_after, both) = (self.clock.now(), BothSides::default());
            // Due until its next purge is confirmed.
            due.extend(aims.iter().cloned());
            if !due.is_empty() {
                let (at, forced, entries) = (sent_after, false, std::mem::take(&mut due));
                let record = Record::Due {
                    at,
                    forced,
                    entries,
                };
                ports.recorder.record(record).await?;
            }
            let again = aims.clone();
            let is_sent = !again.is_empty()
                && self
                    .rebound(again, &both, clients, ports, execution, deadline)
                    .await?;
            let mut unproven = Vec::new();
            for (key, generation, evidence, settings) in last {
                if is_sent && aims.iter().any(|(again, _)| *again == key) {
                    continue;
                }
                let proof = Proof {
                    generation,
                    evidence: Some(evidence.clone()),
                    ..Proof::default()
                };
                unproven.extend(sum_up(&key, &proof, &evidence, &settings, execution));
                execution.evidence.insert(key, evidence);
            }
            put(execution, unproven);
            if !is_sent {
                break;
            }
            let is_done = |key: &EntryKey| {
                let mut entries = execution.entries.iter();
                entries.any(|entry| entry.key == *key && entry.outcome == Outcome::Succeeded)
            };
            aims.retain(|(key, _)| is_done(key));
            since = sent_after;
        }
        execution.entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(())
    }
}

fn confirmed_files(state: &State) -> Vec<Entry> {
    let files = state
        .entries
        .iter()
        .filter(|(key, known)| matches!(key.owner, Owner::Site(_)) && known.attempt.is_none());
    files
        .filter_map(|(key, known)| {
            Some(Entry {
                key: key.clone(),
                generation: known.generation.clone()?,
            })
        })
        .collect()
}
