//! What each request does, given time as a value. Knows nothing of sockets or of HTTP beyond its
//! codes.
//!
//! Documented `[D]`: operations, headers, types, success codes. The order of the checks after the
//! signature is `[?]`: version, subscription, rights, rate, endpoint, body, quota.

use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use globset::Glob;
use serde::Serialize;
use tokio::time::Instant;
use url::form_urlencoded;
use uuid::Uuid;

use super::account::{Endpoint, Lifetime, Rights, Subscription};
use super::answers;
use super::errors::{ErrorType, Refusal};
use super::faults::FaultKind;
use super::items;
use super::routes::{Operation, Route};
use super::service::Service;
use super::tasks::{Acceptance, Mishaps, Task, TaskKind};
use super::verify::{self, Claim};

/// The only version there is `[D]`.
const API_VERSION: &str = "1.0";

/// A whole request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) route: Route<'a>,
    pub(super) claim: Claim<'a>,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// JSON.
    pub(super) body: String,
    /// URLs accepted.
    pub(super) items: usize,
    /// The task started.
    pub(super) task: Option<Uuid>,
}

impl Reply {
    fn ok(body: &impl Serialize) -> Self {
        Self {
            status: 200,
            body: json(body),
            items: 0,
            task: None,
        }
    }
}

impl Service {
    /// Does what a request asks.
    pub(super) fn call(&self, call: Call<'_>, faults: &[FaultKind]) -> Result<Reply, Refusal> {
        let now = self.skewed(faults);
        let settings = &self.settings;
        let key = verify::verify(call.claim, &settings.account, &settings.signing, now)?;
        check_version(call.claim.query)?;
        let Route {
            operation,
            subscription,
            ..
        } = call.route;
        let subscription = settings.account.subscription(subscription).ok_or_else(|| {
            Refusal::new(
                ErrorType::SubscriptionNotFound,
                "The subscription does not exist.",
            )
        })?;
        if !key.subscription.eq_ignore_ascii_case(&subscription.id) {
            return Err(Refusal::new(
                ErrorType::CredentialInvalid,
                "The API key is not one of this subscription.",
            ));
        }
        if operation.starts_task() && key.rights == Rights::ReadOnly {
            return Err(Refusal::new(
                ErrorType::PermissionDenied,
                "The API key may only read.",
            ));
        }
        self.check_rate()?;
        match operation {
            Operation::ListEndpoints => {
                let spelling = settings.answers.endpoints;
                let endpoints = subscription.endpoints.iter();
                let list = endpoints.map(|endpoint| answers::endpoint(endpoint, spelling));
                Ok(Reply::ok(&list.collect::<Vec<_>>()))
            }
            Operation::GetEndpoint => {
                let endpoint = self.endpoint(subscription, call.route)?;
                Ok(Reply::ok(&answers::endpoint(
                    endpoint,
                    settings.answers.endpoints,
                )))
            }
            Operation::AddPurge => self.start(subscription, call, TaskKind::Purge, now, faults),
            Operation::AddPreload => self.start(subscription, call, TaskKind::Preload, now, faults),
            Operation::QueryPurge => {
                self.ask(subscription, call.route, Some(TaskKind::Purge), faults)
            }
            Operation::QueryPreload => {
                self.ask(subscription, call.route, Some(TaskKind::Preload), faults)
            }
            Operation::GetOperation => self.ask(subscription, call.route, None, faults),
        }
    }

    fn check_rate(&self) -> Result<(), Refusal> {
        let Some(per_second) = self.settings.limits.requests_per_second else {
            return Ok(());
        };
        let taken = self.inner().bucket.take(per_second, Instant::now());
        taken.map_err(|wait| Refusal {
            retry_after: Some(wait),
            ..Refusal::new(
                ErrorType::RequestThrottled,
                format!("More than {per_second} requests a second."),
            )
        })
    }

    fn endpoint<'a>(
        &self,
        subscription: &'a Subscription,
        route: Route<'_>,
    ) -> Result<&'a Endpoint, Refusal> {
        subscription.endpoint(route.endpoint).ok_or_else(|| {
            if self.settings.account.has_endpoint(route.endpoint) {
                Refusal::new(
                    ErrorType::EndpointDoesNotBelongToSubscription,
                    "The endpoint belongs to another subscription.",
                )
            } else {
                Refusal::new(ErrorType::EndpointNotFound, "The endpoint does not exist.")
            }
        })
    }

    /// Add purge and add preload.
    fn start(
        &self,
        subscription: &Subscription,
        call: Call<'_>,
        kind: TaskKind,
        now: DateTime<Utc>,
        faults: &[FaultKind],
    ) -> Result<Reply, Refusal> {
        let settings = &self.settings;
        let endpoint = self.endpoint(subscription, call.route)?;
        if endpoint.lifetime != Lifetime::Active {
            return Err(Refusal::new(
                ErrorType::EndpointNotInActiveState,
                format!("The endpoint is {}.", endpoint.lifetime),
            ));
        }
        let items = items::read(call.content_type, call.body, endpoint, &settings.items)?;
        if kind == TaskKind::Preload && !items.directories.is_empty() {
            return Err(Refusal::new(
                ErrorType::ParameterInvalid,
                "Directories cannot be preloaded.",
            ));
        }
        let mut inner = self.inner();
        let booked = inner
            .ledger
            .book(&subscription.id, kind, &items, &settings.limits, now);
        booked.map_err(|message| {
            let answer = settings.answers.quota_exhausted;
            Refusal::new(answer.error, message).with_status(answer.status)
        })?;
        let acceptance = Acceptance {
            kind,
            subscription: subscription.id.clone(),
            endpoint: endpoint.id.clone(),
            start: now,
            accepted: Instant::now(),
            latency: settings.latency,
        };
        let task = Task::new(acceptance, items, &mishaps(faults));
        if let (TaskKind::Purge, Some(cache)) = (kind, &self.cache) {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            for item in task.items.iter().filter(|item| !item.fails) {
                if let Some(ends) = item.ends {
                    cache.evict_at(ends, item.kind, &item.url);
                }
            }
        }
        let reply = Reply {
            status: 202,
            body: json(&answers::accepted(&task, Instant::now())),
            items: task.items.len(),
            task: Some(task.id),
        };
        inner.tasks.add(task);
        Ok(reply)
    }

    /// Query purge, query preload and (without a kind) get operation.
    fn ask(
        &self,
        subscription: &Subscription,
        route: Route<'_>,
        kind: Option<TaskKind>,
        faults: &[FaultKind],
    ) -> Result<Reply, Refusal> {
        let endpoint = self.endpoint(subscription, route)?;
        let inner = self.inner();
        let task = Uuid::try_parse(route.task)
            .ok()
            .and_then(|id| inner.tasks.get(id))
            .filter(|task| task.endpoint.eq_ignore_ascii_case(&endpoint.id))
            .filter(|task| kind.is_none_or(|kind| kind == task.kind))
            .ok_or_else(|| {
                let answer = self.settings.answers.unknown_task;
                Refusal::new(answer.error, format!("There is no task {:?}.", route.task))
                    .with_status(answer.status)
            })?;
        let word = faults.iter().find_map(FaultKind::status_word);
        let now = Instant::now();
        let answers = &self.settings.answers;
        Ok(match kind {
            Some(_) => Reply::ok(&answers::progress(task, now, answers, word)),
            None => Reply::ok(&answers::operation(task, now, word)),
        })
    }
}

/// The text of an answer; texts, lists and maps with text keys always serialise.
pub(super) fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// The part of the faults that a task carries from its start.
fn mishaps(faults: &[FaultKind]) -> Mishaps {
    Mishaps {
        stuck: faults.contains(&FaultKind::Stuck),
        failing: faults
            .iter()
            .filter_map(FaultKind::failing_urls)
            .map(Glob::compile_matcher)
            .collect(),
    }
}

/// `apiVersion=1.0`, once `[D]`.
fn check_version(query: &str) -> Result<(), Refusal> {
    let mut versions = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "apiVersion")
        .map(|(_, value)| value);
    match (versions.next(), versions.next()) {
        (None, _) => Err(Refusal::new(
            ErrorType::ParameterMissing,
            "The parameter apiVersion is missing.",
        )),
        (Some(version), None) if version == API_VERSION => Ok(()),
        (Some(_), _) => Err(Refusal::new(
            ErrorType::ParameterInvalid,
            format!("The parameter apiVersion must be {API_VERSION}."),
        )),
    }
}
