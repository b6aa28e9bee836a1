//! Keeps the comment up to date, and retries within limits.

use std::time::Duration;

use thiserror::Error;

use super::refusal::Kind;
use super::{Comment, Forge, MAX_PAGES, Marker, Outcome, Refusal, Wanted, Write, is_followed};
use crate::error::chain;
use crate::secret::Redactor;
use crate::transport::exchange::exchange;
use crate::transport::retry::{self, GiveUp, Retries, RetryClass, RetryPolicy};
use crate::transport::{Request, Response, Transport, TransportError};

/// Headers with the forge's request id, for its support.
const REQUEST_IDS: [&str; 2] = ["x-github-request-id", "x-request-id"];

pub struct Keeper<'a> {
    pub forge: &'a dyn Forge,
    pub transport: &'a dyn Transport,
    /// Seed of the delays between attempts; parallel jobs need different ones.
    pub seed: u64,
    /// Called with the reason and the duration before each wait.
    pub waiting: &'a (dyn Fn(&str, Duration) + Sync),
}

#[derive(Debug, Error)]
#[error("{forge}: cannot {task}{}", patience(*.reason))]
pub struct CommentError {
    pub forge: &'static str,
    pub task: String,
    pub reason: GiveUp,
    #[source]
    pub source: CallError,
}

#[derive(Debug, Error)]
pub enum CallError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No whole answer came back.
    #[error(transparent)]
    Unanswered(#[from] TransportError),
    #[error("there are more than {MAX_PAGES} pages of them")]
    TooMany,
}

impl CallError {
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Refused(refusal) => Some(refusal.kind),
            Self::Unanswered(_) | Self::TooMany => None,
        }
    }

    fn retry(&self) -> (RetryClass, Option<Duration>) {
        match self {
            Self::Refused(refusal) => (refusal.kind.retry(), refusal.retry_after),
            Self::Unanswered(error) => (retry::class(error.kind), None),
            Self::TooMany => (RetryClass::Never, None),
        }
    }
}

fn patience(reason: GiveUp) -> String {
    match reason {
        GiveUp::Hopeless => String::new(),
        GiveUp::Exhausted { .. } | GiveUp::AskedTooLong { .. } => format!("; {reason}"),
    }
}

impl Keeper<'_> {
    /// Makes our comment say what is wanted.
    ///
    /// # Errors
    /// The forge rejects the token, does not know the place, or answers unexpectedly. A token that is
    /// not allowed to write is no error: see [`Outcome::ReadOnly`].
    pub async fn keep(&self, wanted: &Wanted) -> Result<Outcome, CommentError> {
        match self.look_and_write(wanted).await {
            Err(CommentError {
                source: CallError::Refused(refusal),
                ..
            }) if refusal.kind == Kind::Forbidden => Ok(Outcome::ReadOnly(refusal)),
            done => done,
        }
    }

    /// A failed write may have been carried out, so the comments are read again before it is repeated.
    async fn look_and_write(&self, wanted: &Wanted) -> Result<Outcome, CommentError> {
        let me = self.owner().await?;
        let body = wanted.body();
        let mut retries = RetryPolicy::default().retries(self.seed);
        let (mut created, mut missed) = (false, false);
        'look: loop {
            let decision = wanted.decide(&me, &self.comments().await?);
            for write in decision.writes {
                let (task, request) = match write {
                    Write::Create => ("write a comment", self.forge.create(&body)),
                    Write::Update(id) => ("update the comment", self.forge.update(id, &body)),
                    Write::Delete(id) => ("delete the comment", self.forge.delete(id)),
                };
                created |= write == Write::Create;
                let done = |answer: &Response| Refusal::check(answer).map(|_| ());
                let Err(error) = self.send(request, done).await else {
                    continue;
                };
                match error {
                    CallError::Refused(refusal) if refusal.kind == Kind::NotFound => {
                        match write {
                            // Somebody else deleted it first.
                            Write::Delete(_) => {}
                            Write::Update(_) if !missed => {
                                missed = true;
                                continue 'look;
                            }
                            // Forges answer like this if we may not write.
                            Write::Update(_) | Write::Create => {
                                return Ok(Outcome::ReadOnly(refusal));
                            }
                        }
                    }
                    error => {
                        self.wait(task, error, &mut retries).await?;
                        continue 'look;
                    }
                }
            }
            return Ok(match decision.outcome {
                // It was written, and only the answer was lost.
                Outcome::Unchanged if created => Outcome::Created,
                outcome => outcome,
            });
        }
    }

    /// The number of the request that was merged as exactly this commit.
    ///
    /// # Errors
    /// The forge rejects the token, does not know the commit, or answers unexpectedly.
    pub async fn merged_as(&self, commit: &str) -> Result<Option<u64>, CommentError> {
        let task = format!("find the request of commit {commit}");
        let read = |answer: &Response| self.forge.merged_as(commit, answer);
        self.ask(&task, &self.forge.origins(commit), read).await
    }

    /// The text of our comment, with its marker.
    ///
    /// # Errors
    /// The forge rejects the token, does not know the place, or answers unexpectedly.
    pub async fn find(&self, marker: &Marker) -> Result<Option<String>, CommentError> {
        let (me, comments) = (self.owner().await?, self.comments().await?);
        let ours = marker.ours(&me, &comments);
        Ok(ours.first().map(|comment| comment.body.clone()))
    }

    async fn owner(&self) -> Result<String, CommentError> {
        let owner = |answer: &Response| self.forge.owner(answer);
        let task = "ask whose the token is";
        self.ask(task, &self.forge.whoami(), owner).await
    }

    async fn comments(&self) -> Result<Vec<Comment>, CommentError> {
        let task = "list the comments";
        let mut comments = Vec::new();
        for page in 1..=MAX_PAGES {
            let read = |answer: &Response| {
                let listed = self.forge.listed(answer)?;
                Ok((is_followed(answer, listed.len()), listed))
            };
            let (more, listed) = self.ask(task, &self.forge.list(page), read).await?;
            comments.extend(listed);
            if !more {
                return Ok(comments);
            }
        }
        Err(self.failed(task, CallError::TooMany, GiveUp::Hopeless))
    }

    async fn ask<T>(
        &self,
        task: &str,
        request: &Request,
        read: impl Fn(&Response) -> Result<T, Refusal>,
    ) -> Result<T, CommentError> {
        let mut retries = RetryPolicy::default().retries(self.seed);
        loop {
            match self.send(request.clone(), &read).await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.wait(task, error, &mut retries).await?,
            }
        }
    }

    async fn send<T>(
        &self,
        request: Request,
        read: impl Fn(&Response) -> Result<T, Refusal>,
    ) -> Result<T, CallError> {
        let redactor = Redactor::new([self.forge.token()]);
        let id = |response: &Response| {
            let mut ids = REQUEST_IDS.iter().filter_map(|name| response.header(name));
            ids.next().map(|id| redactor.redact(id))
        };
        let response = exchange(self.transport, request, None, None, id).await;
        let response = response.map_err(|error| error.redacted(&redactor))?;
        Ok(read(&response).map_err(|refusal| refusal.redacted(&redactor))?)
    }

    /// Waits before the next attempt, if there is one.
    async fn wait(
        &self,
        task: &str,
        error: CallError,
        retries: &mut Retries,
    ) -> Result<(), CommentError> {
        let (class, asked) = error.retry();
        match retries.next(class, asked) {
            Ok(delay) => {
                (self.waiting)(&chain(&error), delay);
                tokio::time::sleep(delay).await;
                Ok(())
            }
            Err(reason) => Err(self.failed(task, error, reason)),
        }
    }

    fn failed(&self, task: &str, source: CallError, reason: GiveUp) -> CommentError {
        CommentError {
            forge: self.forge.name(),
            task: format!("{task} ({})", self.forge.place()),
            reason,
            source,
        }
    }
}
