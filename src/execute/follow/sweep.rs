//! Purging a fleet: every node in every pass, until all have confirmed or this run has done what it can.
//! The next run goes on with the nodes that are left.

use futures_util::future::join_all;

use super::{Following, Next as Pause};
use crate::execute::failure::{End, Failure};
use crate::execute::{EntryOutcome, now};
use crate::operation::sweep::{Next, Sweep};
use crate::provider::{Answer, Auth, Effect, Fleet};
use crate::state::{Outcome, StateError};
use crate::transport::Response;

enum Visit {
    Confirmed,
    /// In doubt or not reached; a later run tries again.
    Open(String),
    /// Another try would be refused too.
    Refused(Failure),
}

impl Following<'_> {
    pub(super) async fn sweep(
        mut self,
        fleet: &dyn Fleet,
    ) -> Result<Vec<EntryOutcome>, StateError> {
        let (session, rules) = (self.session, fleet.rules());
        let Some(mut sweep) = Sweep::recorded(&self.task, fleet.recipe()) else {
            return self.unknown_task().await;
        };
        let mut trouble = self.look(fleet, &mut sweep, false).await.err();
        while trouble.is_none() {
            match sweep.next(rules, now(session.ports)) {
                Next::Purge(nodes) => {
                    let _slot = session.slot(&[]).await;
                    if let Some(failure) = self.obstacle() {
                        trouble = Some(failure);
                        break;
                    }
                    if let Some(refused) = self.visit_all(fleet, &mut sweep, nodes).await? {
                        session.halt_on(&refused);
                        let outcome = match refused.in_doubt {
                            true => Outcome::Unknown,
                            false => Outcome::Failed,
                        };
                        self.items.close(|_| true, outcome, Some(&refused.message));
                        trouble = Some(refused);
                    }
                }
                Next::Wait(left) => {
                    self.task = sweep.task(rules);
                    self.save(false).await?;
                    if !self.waits || self.pause(Pause::NotBefore(left)).await.is_err() {
                        break;
                    }
                }
                Next::Look => trouble = self.look(fleet, &mut sweep, true).await.err(),
                Next::LookLater => {
                    let pause = Pause::NotBefore(session.client.endpoint.poll.interval);
                    if !self.waits || self.pause(pause).await.is_err() {
                        break;
                    }
                    trouble = self.look(fleet, &mut sweep, true).await.err();
                }
                Next::Leave => break,
                Next::Confirmed => {
                    self.items.close(|_| true, Outcome::Succeeded, None);
                    break;
                }
            }
        }
        self.conclude(sweep, fleet, trouble).await
    }

    fn obstacle(&self) -> Option<Failure> {
        let session = self.session;
        let stopped = || session.stopped().map(|stop| Failure::stopped(stop, false));
        session.failure().cloned().or_else(stopped)
    }

    /// Updates the list of nodes; `fresh` asks for a new lookup.
    async fn look(&self, fleet: &dyn Fleet, sweep: &mut Sweep, fresh: bool) -> Result<(), Failure> {
        let session = self.session;
        let since = fresh.then(|| now(session.ports));
        let lookup = session.look_up(fleet, since).await?;
        sweep.looked(fleet.fixed(), &lookup.found, fleet.rules(), lookup.at);
        Ok(())
    }

    /// Purges nodes concurrently. Returns why one refused.
    async fn visit_all(
        &self,
        fleet: &dyn Fleet,
        sweep: &mut Sweep,
        nodes: Vec<String>,
    ) -> Result<Option<Failure>, StateError> {
        let visits = join_all(nodes.iter().map(|node| self.visit(fleet, node))).await;
        let mut refused = None;
        for (node, visit) in nodes.iter().zip(visits) {
            let at = now(self.session.ports);
            match visit? {
                Visit::Confirmed => sweep.confirmed(node, at),
                Visit::Open(why) => sweep.missed(node, why, at),
                Visit::Refused(failure) => {
                    sweep.missed(node, failure.message.clone(), at);
                    let message = format!("{node}: {}", failure.message);
                    refused.get_or_insert(Failure { message, ..failure });
                }
            }
        }
        Ok(refused)
    }

    async fn visit(&self, fleet: &dyn Fleet, node: &str) -> Result<Visit, StateError> {
        let (session, targets) = (self.session, &self.targets);
        let auth = Auth {
            credentials: &session.client.credentials,
            token: None,
            now: now(session.ports),
        };
        let read = |response: &Response| {
            let confirmed = fleet.confirmed(targets, response);
            confirmed.map(|()| Answer::Settled(Vec::new()))
        };
        for request in fleet.requests(targets, node, auth) {
            if session.nodes.is_given_up(node) {
                return Ok(Visit::Open(
                    "left alone after several purges without an answer".to_owned(),
                ));
            }
            let build = |_: Auth<'_>| request.clone();
            let node_of_call = (node, fleet.patience());
            let answer = session
                .purge_node(targets, node_of_call, build, read)
                .await?;
            let Err(failure) = answer else {
                session.nodes.answered(node);
                continue;
            };
            return Ok(match failure.end {
                End::Final => Visit::Refused(failure),
                End::Exhausted => {
                    session.nodes.missed(node);
                    Visit::Open(failure.message)
                }
                End::Stopped(stop) => {
                    session.note_stop(stop);
                    Visit::Open(failure.message)
                }
            });
        }
        Ok(Visit::Confirmed)
    }

    /// Records the result; a sweep that was not begun is skipped.
    async fn conclude(
        mut self,
        sweep: Sweep,
        fleet: &dyn Fleet,
        trouble: Option<Failure>,
    ) -> Result<Vec<EntryOutcome>, StateError> {
        let rules = fleet.rules();
        self.answered = sweep.is_begun();
        self.task = sweep.task(rules);
        if let Some(failure) = &trouble
            && !self.items.all_settled()
        {
            match failure.end {
                End::Stopped(stop) => self.session.note_stop(stop),
                End::Final | End::Exhausted => self.session.halt_on(failure),
            }
            if !sweep.is_tried() && self.accepted_at.is_none() {
                let message = format!("not attempted: {}", failure.message);
                self.items.close(|_| true, Outcome::Skipped, Some(&message));
            }
        }
        let open = sweep.trouble(rules).map(|message| Failure {
            message,
            hint: None,
            effect: Effect::InDoubt,
            end: End::Exhausted,
            in_doubt: true,
        });
        self.trouble = trouble.or(open);
        self.close_stale();
        self.save(true).await?;
        let hint = self
            .trouble
            .as_ref()
            .and_then(|trouble| trouble.hint.clone());
        let unconfirmed = self.outcomes.iter_mut();
        for outcome in unconfirmed.filter(|one| one.outcome != Outcome::Succeeded) {
            outcome.hint.clone_from(&hint);
        }
        Ok(self.finish())
    }
}
