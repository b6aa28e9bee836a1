//! What is left of quotas, according to CDNs that can be asked: before a plan, and without the lease.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use super::{Intent, Reconciler};
use crate::clock::Clock;
use crate::credential::Credentials;
use crate::credential::source::{self, CredentialSource, MissingCredentials};
use crate::diff::Change;
use crate::error::chain;
use crate::execute::sign_in::{NotSignedIn, redactor, sign_in};
use crate::manifest::resource::{Endpoint, Project};
use crate::plan::{count, number};
use crate::provider::{Auth, Budget, Left, Quotas};
use crate::state::{LedgerKey, Record, State, Told};
use crate::transport::Transport;
use crate::transport::exchange::exchange;
use crate::view::StateView;
use crate::workspace::sides::BothSides;

/// How long to wait for a CDN's answer: a plan waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

const MAX_AT_ONCE: usize = 8;

/// The answer about the quotas of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// No budget is renewed by the calendar.
    NoQuota,
    /// This CDN cannot be asked.
    NoQuestion(&'static str),
    /// Why there is no answer.
    Nothing(String),
    Left(Vec<(Budget, Left)>),
}

impl Heard {
    pub fn sentence(&self) -> String {
        match self {
            Self::NoQuota => "no quota of the day: there is nothing to ask for".to_owned(),
            Self::NoQuestion(cdn) => {
                format!(
                    "`{cdn}` cannot be asked what is left of its quota: only what purgit sent is counted"
                )
            }
            Self::Nothing(why) => {
                format!(
                    "the CDN did not say what is left of its quota, so only what purgit sent is counted: {why}"
                )
            }
            Self::Left(all) => {
                let each: Vec<_> = all
                    .iter()
                    .map(|(budget, left)| said(budget, left))
                    .collect();
                format!("left by the CDN's word: {}", each.join(", "))
            }
        }
    }

    /// Records for the ledger of `state`.
    fn records(&self, state: &State, now: DateTime<Utc>) -> Vec<Record> {
        let record = |(budget, left): &(Budget, Left)| {
            let key = LedgerKey::of(budget, now)?;
            let (window, until) = budget.period(now)?;
            let told = Told {
                used: left.limit.saturating_sub(left.left),
                limit: Some(left.limit),
                booked: state.spent(&key),
                window,
                until,
            };
            Some(Record::Tell {
                scope: key.scope,
                counts: key.counts,
                told,
            })
        };
        match self {
            Self::NoQuota | Self::NoQuestion(_) | Self::Nothing(_) => Vec::new(),
            Self::Left(all) => all.iter().filter_map(record).collect(),
        }
    }
}

/// `1,700 of 2,000 files`, with the endpoint's own limit if it differs.
fn said(budget: &Budget, left: &Left) -> String {
    let limit = usize::try_from(left.limit).unwrap_or(usize::MAX);
    let limit = count(limit, &budget.counts.word());
    let declared = match budget.amount == left.limit {
        true => String::new(),
        false => format!(" (`limits` say {})", number(budget.amount)),
    };
    format!("{} of {limit}{declared}", number(left.left))
}

/// What is left of the quotas of these endpoints.
pub async fn ask<'e>(
    endpoints: impl IntoIterator<Item = &'e Endpoint>,
    credentials: &dyn CredentialSource,
    transport: &dyn Transport,
    clock: &dyn Clock,
) -> Result<Vec<(&'e Arc<str>, Heard)>, MissingCredentials> {
    let endpoints: Vec<_> = endpoints.into_iter().collect();
    let askable = endpoints.iter().filter(|endpoint| is_askable(endpoint));
    let needed = askable.map(|endpoint| (endpoint.name.clone(), endpoint.provider.credentials()));
    let found = source::resolve_all(credentials, needed).await?;
    let found: &BTreeMap<_, _> = &found;
    let asking = endpoints.into_iter().map(|endpoint| async move {
        let quotas = quotas(endpoint, clock.now());
        let heard = match (endpoint.provider.quotas(), found.get(&endpoint.name)) {
            _ if quotas.is_empty() => Heard::NoQuota,
            (Some(asked), Some(credentials)) => {
                let deadline = Instant::now() + PATIENCE;
                let asking = question(endpoint, asked, credentials, transport, clock, deadline);
                let answer = timeout_at(deadline, asking).await;
                let late = |_| Err(format!("no answer within {} s", PATIENCE.as_secs()));
                match answer.unwrap_or_else(late) {
                    Err(why) => Heard::Nothing(why),
                    Ok(all) => left(quotas, &all),
                }
            }
            (Some(_) | None, _) => Heard::NoQuestion(endpoint.provider.kind().name),
        };
        (&endpoint.name, heard)
    });
    let asking: Vec<_> = asking.collect();
    Ok(stream::iter(asking).buffered(MAX_AT_ONCE).collect().await)
}

fn is_askable(endpoint: &Endpoint) -> bool {
    endpoint.provider.quotas().is_some()
}

/// The budgets of an endpoint that the calendar renews.
fn quotas(endpoint: &Endpoint, now: DateTime<Utc>) -> Vec<Budget> {
    let budgets = endpoint.budgets().into_iter();
    budgets
        .filter(|budget| budget.period(now).is_some())
        .collect()
}

fn left(quotas: Vec<Budget>, told: &[Left]) -> Heard {
    let with = |budget: Budget| {
        let left = told.iter().find(|left| left.counts == budget.counts)?;
        Some((budget, *left))
    };
    let all: Vec<_> = quotas.into_iter().filter_map(with).collect();
    match all.is_empty() {
        true => Heard::Nothing("its answer is about nothing that is counted".to_owned()),
        false => Heard::Left(all),
    }
}

async fn question(
    endpoint: &Endpoint,
    quotas: &dyn Quotas,
    credentials: &Credentials,
    transport: &dyn Transport,
    clock: &dyn Clock,
    deadline: Instant,
) -> Result<Vec<Left>, String> {
    let provider = &*endpoint.provider;
    let token = sign_in(provider, credentials, transport, deadline, || clock.now()).await;
    let token = token.map_err(|failed| match failed {
        NotSignedIn::NoAnswer(error) => chain(&error),
        NotSignedIn::Refused(_, error) => error.summary,
    })?;
    let redactor = redactor(credentials, token.as_ref());
    let request = quotas.ask(Auth {
        credentials,
        token: token.as_ref(),
        now: clock.now(),
    });
    let sent = exchange(transport, request, None, Some(deadline), |response| {
        let id = provider.correlation_id(response)?;
        Some(redactor.redact(&id))
    });
    let response = sent
        .await
        .map_err(|error| chain(&error.redacted(&redactor)))?;
    let told = quotas.told(&response);
    told.map_err(|error| error.redacted(&redactor).summary)
}

pub fn endpoints<'p>(project: &'p Project, changes: &[Change]) -> Vec<&'p Endpoint> {
    let names: BTreeSet<_> = changes.iter().map(|change| &change.key.endpoint).collect();
    let endpoints = names.into_iter();
    let endpoints = endpoints.filter_map(|name| project.endpoints.get(name));
    endpoints.collect()
}

/// Records for the ledger of `state`.
pub fn records(heard: &[(&Arc<str>, Heard)], state: &State, now: DateTime<Utc>) -> Vec<Record> {
    let records = heard
        .iter()
        .flat_map(|(_, heard)| heard.records(state, now));
    records.collect()
}

impl Reconciler<'_> {
    /// Asks CDNs what is left of the quotas that a run will use. A missing answer prevents no purge.
    pub(super) async fn ask_quota(
        &self,
        intent: &Intent<'_>,
        (view, both): &(StateView, BothSides),
    ) -> Vec<Record> {
        let mut all = self.project.endpoints.values();
        if !all.any(is_askable) {
            return Vec::new();
        }
        let now = self.clock.now();
        let (digest, selection) = (&self.manifests_digest, &self.selection);
        let plan = || {
            super::plan(
                self.project,
                digest,
                both,
                view,
                selection,
                &self.forces,
                now,
            )
        };
        let changes = match intent {
            // Planning for real reports the error.
            Intent::Manifests(_) => plan().map(|plan| plan.changes).unwrap_or_default(),
            Intent::OneOff(changes) => changes.clone(),
            Intent::Refresh(_) => Vec::new(),
        };
        let mut asked = endpoints(self.project, &changes);
        asked.retain(|endpoint| is_askable(endpoint));
        let asking = ask(asked, self.credentials, self.transport, self.clock);
        // Missing credentials are reported when they are needed.
        let Some(Ok(heard)) = self.waiting.cancel.run_until_cancelled(asking).await else {
            return Vec::new();
        };
        let unheard = heard.iter().filter_map(|(name, heard)| match heard {
            Heard::Nothing(_) => Some(format!("[{name}] {}", heard.sentence())),
            Heard::NoQuota | Heard::NoQuestion(_) | Heard::Left(_) => None,
        });
        self.gate.noted(&unheard.collect::<Vec<_>>());
        records(&heard, &view.state, now)
    }
}
