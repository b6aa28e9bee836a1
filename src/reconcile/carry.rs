//! Carrying out an approved plan: record what is due, get credentials, send, follow, prove.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::gating::{Gated, Known};
use super::outcome::unusable;
use super::run::Begun;
use super::{Intent, ReconcileError, Reconciler, deferring, work};
use crate::entry::EntryKey;
use crate::execute::{self, Execution, Ports};
use crate::plan::Plan;
use crate::state::transition::tally;
use crate::state::{self, HistoryRecord, Outcome, Record};
use crate::status::Run;
use crate::workspace::sides::BothSides;

impl Reconciler<'_> {
    pub(super) async fn carry_out(
        &self,
        intent: &Intent<'_>,
        begun: &Begun,
        run: &mut Run,
        plan: Plan,
        forgotten: Vec<EntryKey>,
        quota_records: Vec<Record>,
    ) -> Result<(Plan, Option<Execution>), ReconcileError> {
        let BothSides {
            desired,
            since,
            looked,
            ..
        } = &begun.both;
        let (recorder, since) = (&begun.recorder, since.as_ref());
        let mut snapshot = recorder.snapshot();
        let records = looked.iter().flat_map(|looked| looked.records(&snapshot));
        let records: Vec<_> = quota_records.into_iter().chain(records).collect();
        if !records.is_empty() {
            recorder.record_all(records).await?;
            snapshot = recorder.snapshot();
        }
        let is_one_off = matches!(intent, Intent::OneOff(_));
        let (resumed, overtaken) = match is_one_off {
            true => Default::default(),
            false => work::resumable(&snapshot, &plan),
        };
        let left = work::left(&snapshot, &resumed);
        // A later run must find what differs from history even if this one has no credentials. A user
        // whose one-off purge could not be sent asks for it again.
        let newly_deferred = deferring::new(&plan, &snapshot);
        let remember = || self.remember(&plan, since, &snapshot, &newly_deferred, recorder);
        if !is_one_off {
            remember().await?;
        }
        let revision = match is_one_off {
            true => String::new(),
            false => self.revision(&plan)?,
        };
        let clients = self.clients(&plan, &resumed, !is_one_off);
        let Some(clients) = self.waiting.cancel.run_until_cancelled(clients).await else {
            run.interrupted = true;
            return Ok((plan, Some(Execution::interrupted())));
        };
        let (clients, of_origins) = clients?;
        if is_one_off {
            remember().await?;
        }
        let operations = work::operations(&plan, self.new_id);
        let known = Known {
            plan: &plan,
            state: &snapshot,
            credentials: &of_origins,
            revision: &revision,
        };
        let (operations, gated) = match intent {
            Intent::Manifests(sides) => self.split(operations, sides, desired, &known, &clients),
            Intent::OneOff(_) | Intent::Refresh(_) => (operations, Gated::default()),
        };
        self.tidy(&snapshot, forgotten, recorder).await?;
        // So that records are applied in place and not to a copy of the state.
        drop(snapshot);
        let is_idle = operations.is_empty() && gated.is_empty() && resumed.is_empty();
        let is_news = !is_idle || !overtaken.is_empty() || !newly_deferred.is_empty();
        let deadline = self.waiting.deadline();
        let ports = Ports {
            transport: self.transport,
            clock: self.clock,
            recorder,
            observer: self.observer,
        };
        let mut execution = if is_idle {
            Execution::default()
        } else {
            let submit = |later| {
                let waiting = &self.waiting;
                execute::run(&clients, operations, later, resumed, left, waiting, ports)
            };
            self.submit(submit, gated, ports).await?
        };
        let deferred = deferring::outcomes(&plan);
        let entries = execution.entries.iter();
        let held = entries.filter(|entry| entry.outcome == Outcome::Held);
        let held: HashSet<_> = held.map(|entry| entry.key.clone()).collect();
        // Entries that wait for the origin superseded nothing.
        let overtaken = overtaken.into_iter();
        let overtaken = overtaken.filter(|entry| !held.contains(&entry.key));
        execution.entries.extend(overtaken.chain(deferred));
        execution.entries.sort_by(|a, b| a.key.cmp(&b.key));
        if self.prove {
            let times = (run.started_at, deadline);
            self.prove_all(intent, begun, times, &clients, ports, &mut execution)
                .await?;
        }
        if !is_news && deferring::is_all(&execution.entries) {
            return Ok((plan, Some(execution)));
        }
        run.interrupted = execution.interrupted;
        run.requests = execution.requests;
        run.unusable.extend(unusable(&execution));
        let record = self.record(&plan, &execution, run.started_at);
        recorder.record(Record::Remember(record)).await?;
        Ok((plan, Some(execution)))
    }

    fn record(&self, plan: &Plan, execution: &Execution, begun: DateTime<Utc>) -> HistoryRecord {
        let entries = execution.entries.iter();
        let outcomes = entries.clone().map(|entry| entry.outcome);
        let at = self.clock.now();
        HistoryRecord {
            at,
            command: Some(self.holder.command.clone()),
            duration: (at - begun).to_std().ok(),
            origin: self.origin.clone(),
            entries: state::kept(entries.map(|entry| (&entry.key, entry.outcome))),
            plan_id: plan.id.clone(),
            outcomes: tally(outcomes),
            requests: execution.requests,
            exit_code: self.exit(plan, Some(execution)).code(),
        }
    }
}
