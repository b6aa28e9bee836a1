//! Sending a request until there is an answer, a final refusal, or no time left.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::failure::{CallError, Failure, Stop};
use super::identity::{Clock, Sent};
use super::session::Session;
use super::{Event, now};
use crate::error::chain;
use crate::operation::{Item, Operation};
use crate::provider::{Answer, ApiError, Auth, Counts, Effect, Granted, Token};
use crate::secret::Redactor;
use crate::state::{LedgerKey, Record, StateError};
use crate::transport::retry::{GiveUp, Retries, RetryClass, RetryPolicy};
use crate::transport::{
    Patience, REQUEST_TIMEOUT, Request, Response, TransportError, TransportErrorKind, date,
};

/// Most sends of one operation that the CDN may have accepted: the first, and one more if in doubt.
const MAX_DOUBTFUL_SENDS: usize = 2;

pub(super) type Answered = (Answer, Option<String>);

pub(super) enum Attempt {
    /// The run stopped before the request was sent.
    Stopped(Stop),
    /// With what was sent, if it was answered.
    Refused {
        error: CallError,
        sent: Option<Sent>,
    },
}

impl From<Stop> for Attempt {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<CallError> for Attempt {
    fn from(error: CallError) -> Self {
        Self::Refused { error, sent: None }
    }
}

/// A purge, and when its next send was booked.
type Booked<'o> = (&'o Operation, DateTime<Utc>);

/// Its base URL, and how long it may take.
pub(super) type Node<'n> = (&'n str, Patience);

#[derive(Clone, Copy, Default)]
struct About<'o> {
    /// Empty for a question.
    items: &'o [Item],
    /// A purge that others must not send meanwhile.
    booked: Option<Booked<'o>>,
    node: Option<Node<'o>>,
}

impl Session<'_> {
    /// Sends a purge whose intent is recorded and whose send is booked. Retries while it was surely not
    /// accepted, and once if the CDN may have accepted it. Refunds sends that were surely not accepted.
    pub(super) async fn purge(
        &self,
        operation: &Operation,
        booked_at: DateTime<Utc>,
    ) -> Result<Result<Answered, Failure>, StateError> {
        let build = |auth: Auth<'_>| {
            self.count_purge();
            self.provider().submit(operation, auth)
        };
        let read = |response: &Response| self.provider().submitted(operation, response);
        let about = About {
            items: &operation.items,
            booked: Some((operation, booked_at)),
            node: None,
        };
        let mut answer = self.call(self.deadline, about, build, read).await?;
        if let Err(failure) = &mut answer
            && self.is_outage(failure)
        {
            failure.effect = Effect::Endpoint;
        }
        if answer.is_ok() {
            self.note_answer();
        }
        Ok(answer)
    }

    /// Asks about a task; not again after `until`.
    pub(super) async fn question(
        &self,
        until: Option<Instant>,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<Answer, ApiError>,
    ) -> Result<Result<Answered, Failure>, StateError> {
        self.call(until, About::default(), build, read).await
    }

    pub(super) async fn purge_node(
        &self,
        items: &[Item],
        node: Node<'_>,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<Answer, ApiError>,
    ) -> Result<Result<Answered, Failure>, StateError> {
        let build = |auth: Auth<'_>| {
            self.count_purge();
            build(auth)
        };
        let about = About {
            items,
            booked: None,
            node: Some(node),
        };
        self.call(self.deadline, about, build, read).await
    }

    async fn call(
        &self,
        until: Option<Instant>,
        about: About<'_>,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<Answer, ApiError>,
    ) -> Result<Result<Answered, Failure>, StateError> {
        let mut retries = RetryPolicy::default().retries(self.jitter_seed());
        let items = about.items;
        // Refunded if it surely did not arrive.
        let mut booked = about.booked;
        let mut doubtful = 0;
        let mut renewed = false;
        loop {
            let in_doubt = doubtful > 0;
            let (error, sent) = match self.attempt(about, &build, &read).await? {
                Ok(answered) => {
                    if in_doubt {
                        self.count_repeated(items);
                    }
                    return Ok(Ok(answered));
                }
                Err(Attempt::Stopped(stop)) => {
                    self.book(booked, -1).await?;
                    return Ok(Err(Failure::stopped(stop, in_doubt)));
                }
                Err(Attempt::Refused { error, sent }) => (error, sent),
            };
            if error.effect() == Effect::Credentials
                && !renewed
                && let Some(sent) = &sent
            {
                renewed = match &sent.token {
                    // The token may have been revoked, or have expired by another clock.
                    Some(token) => {
                        self.identity.discard(token).await;
                        true
                    }
                    None => error.retry() == RetryClass::Never && self.reread(sent).await,
                };
                if renewed {
                    continue;
                }
            }
            let is_doubtful = error.effect() == Effect::InDoubt;
            if is_doubtful {
                if in_doubt {
                    self.count_repeated(items);
                }
                doubtful += 1;
            }
            let in_doubt = doubtful > 0;
            let attempts = retries.attempts();
            let again = if matches!(error, CallError::Cut) {
                Err(error.stopped(in_doubt, Stop::TimedOut))
            } else if !items.is_empty() && doubtful >= MAX_DOUBTFUL_SENDS {
                Err(error.give_up(in_doubt, GiveUp::Exhausted { attempts }))
            } else {
                let node = about.node.map(|(node, _)| node);
                let again = self.try_again(&error, node, sent, &mut retries, until, in_doubt);
                again.await
            };
            match again {
                Ok(()) if is_doubtful => {
                    // The booking of this send stays.
                    let again = |(operation, _)| (operation, now(self.ports));
                    booked = booked
                        .filter(|_| !self.provider().knows_resends())
                        .map(again);
                    self.book(booked, 1).await?;
                }
                Ok(()) => {}
                Err(failure) => {
                    if !is_doubtful {
                        self.book(booked, -1).await?;
                    }
                    return Ok(Err(failure));
                }
            }
        }
    }

    async fn try_again(
        &self,
        error: &CallError,
        node: Option<&str>,
        sent: Option<Sent>,
        retries: &mut Retries,
        until: Option<Instant>,
        in_doubt: bool,
    ) -> Result<(), Failure> {
        let attempts = retries.attempts();
        let give_up = |reason| error.give_up(in_doubt, reason);
        let delay = retries
            .next(error.retry(), error.retry_after())
            .map_err(give_up)?;
        if error.retry() == RetryClass::ClockSkew
            && !sent.is_some_and(|sent| self.correct_clock(&sent))
        {
            return Err(give_up(GiveUp::Hopeless));
        }
        if self.is_late(delay) {
            return Err(error.stopped(in_doubt, Stop::TimedOut));
        }
        let is_too_late = until.is_some_and(|until| Instant::now() + delay >= until);
        if is_too_late || self.failure().is_some() {
            return Err(give_up(GiveUp::Exhausted { attempts }));
        }
        if delay.is_zero() {
            return Ok(());
        }
        self.event(Event::Retrying {
            endpoint: self.client.endpoint.name.clone(),
            reason: match node {
                Some(node) => format!("{node}: {}", chain(error)),
                None => chain(error),
            },
            delay,
        });
        let pause = self.pause(delay).await;
        pause.map_err(|stop| error.stopped(in_doubt, stop))
    }

    /// Dates further requests by the CDN's clock. False if that would change nothing.
    fn correct_clock(&self, refused: &Sent) -> bool {
        match self.identity.correct_clock(refused, now(self.ports)) {
            Clock::Kept => false,
            Clock::KnownByNow => true,
            Clock::Corrected(skew) => {
                let endpoint = self.client.endpoint.name.clone();
                self.event(Event::ClockSkew { endpoint, skew });
                true
            }
        }
    }

    /// A token that is valid for one more request; `None` if the provider uses none.
    async fn token(&self) -> Result<Option<Arc<Token>>, Attempt> {
        let Some(exchange) = self.provider().exchange() else {
            return Ok(None);
        };
        let cdn_now = || now(self.ports) + self.identity.skew();
        let redactor = self.redactor(None);
        let answer = async {
            let mut given: Option<Token> = None;
            loop {
                self.allowance.turn(&[]).await;
                let redactor = self.redactor(given.as_ref());
                let of = given.as_ref();
                let request = exchange.request(&self.identity.credentials(), of, cdn_now());
                let response = self.exchange(request, None, &redactor).await?;
                let granted = exchange.token(&response, of, cdn_now());
                match granted.map_err(|error| CallError::from(error).redacted(&redactor))? {
                    Granted::Next(token) if of.is_none() => given = Some(token),
                    // No exchange has more than two steps.
                    Granted::Token(token) | Granted::Next(token) => return Ok(token),
                }
            }
        };
        let token = async {
            // Unlike a purge, an exchange can be dropped halfway.
            let token: Result<_, CallError> = self.unless_stopped(answer).await?;
            if token.is_err() && self.is_late(Duration::ZERO) {
                return Err(Stop::TimedOut.into());
            }
            let failed =
                |error: CallError| CallError::Exchange(Box::new(error.redacted(&redactor)));
            Ok(token.map_err(failed)?)
        };
        self.identity.token(cdn_now, token).await.map(Some)
    }

    async fn attempt(
        &self,
        about: About<'_>,
        build: &impl Fn(Auth<'_>) -> Request,
        read: &impl Fn(&Response) -> Result<Answer, ApiError>,
    ) -> Result<Result<Answered, Attempt>, StateError> {
        if let Err(stop) = self.unless_stopped(self.allowance.turn(about.items)).await {
            return Ok(Err(stop.into()));
        }
        // Only now, so that it does not expire in the queue.
        let token = match self.token().await {
            Ok(token) => token,
            Err(attempt) => return Ok(Err(attempt)),
        };
        if about.booked.is_some() {
            self.ports.recorder.ensure(REQUEST_TIMEOUT).await?;
        }
        let (skew, credentials) = (self.identity.skew(), self.identity.credentials());
        let request = build(Auth {
            credentials: &credentials,
            token: token.as_deref(),
            now: now(self.ports) + skew,
        });
        let redactor = self.redactor(token.as_deref());
        let patience = about.node.map(|(_, patience)| patience);
        let response = match self.exchange(request, patience, &redactor).await {
            Ok(response) => response,
            Err(error) => return Ok(Err(self.not_answered(error, &redactor))),
        };
        Ok(match read(&response) {
            Ok(answer) => Ok((
                answer.redacted(&redactor),
                self.request_id(&response, &redactor),
            )),
            Err(error) => Err(Attempt::Refused {
                error: CallError::from(error).redacted(&redactor),
                sent: Some(Sent {
                    credentials,
                    skew,
                    token,
                    refused_at: date::date(&response),
                }),
            }),
        })
    }

    fn not_answered(&self, error: TransportError, redactor: &Redactor) -> Attempt {
        let is_late = self.is_late(Duration::ZERO);
        if error.kind == TransportErrorKind::TooLate {
            Stop::TimedOut.into()
        } else if error.kind == TransportErrorKind::Timeout && is_late {
            CallError::Cut.into()
        } else {
            CallError::from(error).redacted(redactor).into()
        }
    }

    /// Books sends of a purge against quotas, or refunds them if negative.
    async fn book(&self, purge: Option<Booked<'_>>, sends: i64) -> Result<(), StateError> {
        let records = purge.map(|(operation, at)| self.booking(operation, at, sends));
        match records.filter(|records| !records.is_empty()) {
            Some(records) => self.ports.recorder.record_all(records).await,
            None => Ok(()),
        }
    }

    pub(super) fn booking(
        &self,
        operation: &Operation,
        at: DateTime<Utc>,
        sends: i64,
    ) -> Vec<Record> {
        let quotas = self.allowance.quotas_of(&operation.items);
        let quotas = quotas.filter_map(|budget| Some((LedgerKey::of(budget, at)?, budget.counts)));
        let price = self.provider().price();
        let price = price.map(|price| (LedgerKey::charged(&price, at), price.counts));
        let record = |(key, counts): (LedgerKey, Counts)| {
            let amount = counts.of(&operation.items);
            Record::Spend {
                scope: key.scope,
                counts: key.counts,
                window: key.window,
                amount: sends * i64::try_from(amount).unwrap_or(i64::MAX),
            }
        };
        quotas.chain(price).map(record).collect()
    }
}
